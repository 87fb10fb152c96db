// Passes over kernels, to be timed.
import { type PassShape, Plan, type Step } from "../../src/gpu/plan";
import { batchWords } from "../../src/kernels/batch";
import type { Lab } from "../setup/gpu";
import type { Way } from "./compare";

/** Compiles the steps; the way then runs them once, in one submit. */
export async function wayOf(
  lab: Lab,
  name: string,
  steps: readonly Step[],
  shape: PassShape & { readonly position: number },
): Promise<Way> {
  const { device, pipelines } = lab.gpu;
  const plan = await Plan.compile(device, pipelines, steps);
  const run = async () => {
    device.queue.writeBuffer(lab.batch, 0, batchWords(shape, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    plan.record(pass, shape);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  return { name, run };
}
