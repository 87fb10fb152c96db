import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { type Gpu, openGpu } from "../../src/gpu/device";
import { type Dispatch, Plan } from "../../src/gpu/plan";
import { Profiler } from "../../src/gpu/profile";
import { makeShader } from "../../src/gpu/shader";
import { Lab, useGpu } from "../setup/gpu";

const plain = useGpu();
let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu(nodeGpu({ profile: true }), { profile: true });
});
afterAll(() => gpu.device.destroy());

// Takes time in proportion to TURNS, and leaves a trace.
const spinner = makeShader("spinner", [
  {
    name: "spinner.wgsl",
    code: `override TURNS: u32;
@group(0) @binding(0) var<storage, read_write> counts: array<u32>;
@compute @workgroup_size(1) fn main() {
  var x = counts[0];
  for (var i = 0u; i < TURNS; i++) { x = x * 1664525u + 1013904223u; }
  counts[0] = x;
  counts[1] += 1u;
}
`,
  },
]);

function spinning(counts: GPUBuffer, turns: number, rows = 1): Dispatch {
  return {
    label: `spin ${turns}`,
    shader: spinner,
    constants: { TURNS: turns },
    bindings: { counts },
    grid: ({ rows: fed }) => [fed >= rows ? 1 : 0, 1, 1],
  };
}

test("each dispatch of a plan is run once and timed by itself", async () => {
  expect(gpu.timestamps).toBe(true);
  const lab = new Lab(gpu);
  const counts = lab.upload(new Uint32Array(2));
  const plan = await Plan.compile(gpu.device, gpu.pipelines, [
    [spinning(counts, 1000)],
    [spinning(counts, 7, 2)], // empty for a pass of one row
    [spinning(counts, 60_000_000)],
  ]);
  const shape = { rows: 1, headRows: 1 };
  expect(plan.dispatches(shape).map(({ label }) => label)).toEqual(["spin 1000", "spin 60000000"]);
  const profiler = new Profiler(gpu.device);
  const times: { readonly short: number; readonly long: number }[] = []; // ms
  for (let turn = 1; turn <= 3; turn++) {
    const encoder = gpu.device.createCommandEncoder();
    const pass = profiler.begin(encoder);
    plan.record(pass, shape);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const [short, long, ...more] = await profiler.read();
    expect(more).toEqual([]);
    expect(short!.kernel).toBe("spinner");
    times.push({ short: short!.ms, long: long!.ms });
    expect((await lab.words(counts, 2))[1]).toBe(2 * turn);
  }
  // Other work on the same cores may hold either up, but not each time.
  expect(Math.min(...times.map(({ long }) => long))).toBeGreaterThan(3 * Math.min(...times.map(({ short }) => short)));
  profiler.dispose();
  lab.memory.dispose();
  gpu.check();
});

test("a device without timestamps is refused", () => {
  expect(() => new Profiler(plain.gpu.device)).toThrow(expect.objectContaining({ code: "bad-request" }));
});
