// Passes over kernels, to be timed.
import { type Dispatch, Plan, type Step } from "../../src/gpu/plan";
import { makeShader } from "../../src/gpu/shader";
import { type BatchPass, batchWords } from "../../src/kernels/batch";
import { type DeviceTraits, rowThreads } from "../../src/kernels/policy";
import { type Lab, traits } from "../setup/gpu";
import type { Way } from "./compare";

/** What compare() calls, where once is all that the way itself does. */
export const repeated = (once: () => Promise<void>) => async (times: number) => {
  for (let i = 0; i < times; i++) await once();
};

/** Compiles the steps; the way then runs them, however often, in one submit. */
export async function wayOf(lab: Lab, name: string, steps: readonly Step[], shape: BatchPass): Promise<Way> {
  const { device, pipelines } = lab.gpu;
  const plan = await Plan.compile(device, pipelines, steps);
  const run = async (times: number) => {
    device.queue.writeBuffer(lab.batch, 0, batchWords(shape, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < times; i++) plan.record(pass, shape);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  return { name, run };
}

/** A kernel that makes rows in workgroups as GPUs are given them, and in those that this device is. */
export function waysByThreads(lab: Lab, name: string, dispatch: (device: DeviceTraits) => Dispatch, shape: BatchPass): Promise<Way[]> {
  const devices = lab.gpu.software ? [traits.gpu, lab.gpu] : [lab.gpu];
  return Promise.all(devices.map((device) => wayOf(lab, `${name}, ${rowThreads(device)} threads`, [[dispatch(device)]], shape)));
}

/** A dispatch of WGSL that was written only to compare with: `threads` in all, its entry point in workgroups of 64. */
export function plainly(
  label: string,
  code: string,
  threads: number,
  bindings: Readonly<Record<string, GPUBuffer>>,
  constants: Readonly<Record<string, number>> = {},
): Dispatch {
  const shader = makeShader(label, [{ name: `${label}.wgsl`, code }]);
  return { label, shader, constants, bindings, grid: () => [Math.ceil(threads / 64), 1, 1] };
}

/** Both ways made the same codes, but for some by one that lie on an edge: what is compared does the same. */
export async function expectSameCodes(lab: Lab, actual: GPUBuffer, expected: GPUBuffer, count: number): Promise<void> {
  const [ours, plain] = [await lab.bytes(actual, count), await lab.bytes(expected, count)];
  const apart = Int32Array.from(ours, (code, i) => Math.abs(code - (plain[i] ?? 999)));
  const worst = apart.reduce((most, x) => Math.max(most, x), 0);
  const differing = apart.filter((x) => x > 0).length;
  if (worst > 1 || differing > count / 100) throw new Error(`${differing} of ${count} codes differ, by up to ${worst}`);
}
