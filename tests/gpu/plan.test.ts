import { expect, test } from "vitest";
import { PipelineCache } from "../../src/gpu/pipelines";
import { type Dispatch, Plan } from "../../src/gpu/plan";
import { makeShader } from "../../src/gpu/shader";
import { useGpu } from "../setup/gpu";

const bench = useGpu();

// Counts workgroups in word VARIANT.
const counter = makeShader("counter", [
  {
    name: "counter.wgsl",
    code: `override VARIANT: u32;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;
@compute @workgroup_size(1) fn main() {
  atomicAdd(&counts[VARIANT], 1u);
}
`,
  },
]);

function counting(counts: GPUBuffer, variant: number, maxRows?: number): Dispatch {
  return {
    label: "count",
    shader: counter,
    constants: { VARIANT: variant },
    bindings: { counts },
    grid: ({ rows, headRows }) => [rows, headRows, 1],
    ...(maxRows === undefined ? {} : { fits: ({ rows }) => rows <= maxRows }),
  };
}

test("the first variant that takes the pass's rows is run, on the grid of the pass", () =>
  bench.run(async (lab) => {
    const counts = lab.upload(new Uint32Array(4));
    const steps = [[counting(counts, 0, 1), counting(counts, 1, 4), counting(counts, 2)], [counting(counts, 3)]];
    await lab.pass(steps, { rows: 1, headRows: 1 });
    expect(await lab.words(counts, 4)).toEqual(Uint32Array.of(1, 0, 0, 1));
    await lab.pass(steps, { rows: 4, headRows: 2 });
    expect(await lab.words(counts, 4)).toEqual(Uint32Array.of(1, 8, 0, 9));
    await lab.pass(steps, { rows: 5, headRows: 1 });
    expect(await lab.words(counts, 4)).toEqual(Uint32Array.of(1, 8, 5, 14));
    await lab.pass(steps, { rows: 5, headRows: 0 });
    expect(await lab.words(counts, 4)).toEqual(Uint32Array.of(1, 8, 5, 14));
  }));

test("a pass that no variant takes is refused", () =>
  bench.run(async (lab) => {
    const steps = [[counting(lab.output(16), 0, 1)]];
    await expect(lab.pass(steps, { rows: 2, headRows: 2 })).rejects.toMatchObject({ code: "internal", detail: "count" });
  }));

test("buffers are bound by name: none may be missing, and none may be left over", () =>
  bench.run(async (lab) => {
    const { device } = lab.gpu;
    const compile = (bindings: Record<string, GPUBuffer>) =>
      Plan.compile(device, new PipelineCache(device), [[{ ...counting(lab.batch, 0), bindings }]]);
    const counts = lab.output(16);
    await expect(compile({})).rejects.toThrow("count: counter needs a buffer for counts.");
    await expect(compile({ counts, count: counts })).rejects.toThrow("count: counter binds no count.");
    await expect(compile({ counts })).resolves.toBeInstanceOf(Plan);
  }));

test("progress counts every variant to the end", () =>
  bench.run(async (lab) => {
    const counts = lab.output(16);
    const heard: [number, number][] = [];
    const steps = [[counting(counts, 0, 1), counting(counts, 1)], [counting(counts, 2)]];
    await Plan.compile(lab.gpu.device, new PipelineCache(lab.gpu.device), steps, (done, total) => heard.push([done, total]));
    expect(heard).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  }));
