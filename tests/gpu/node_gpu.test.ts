import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { useGpu } from "../setup/gpu";

const bench = useGpu();

// One thread that counts for a while.
const slow = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> sum: u32;
@compute @workgroup_size(1) fn main() {
  var x = sum;
  for (var i = 0u; i < 20000000u; i++) { x = x * 1664525u + 1013904223u; }
  sum = x;
}`;

test("while a software adapter computes on the cores, waiting for it takes none", (context) =>
  bench.run(async (lab) => {
    const { device, software } = bench.gpu;
    if (!software) context.skip();
    const compute = { module: device.createShaderModule({ code: slow }) };
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute });
    const entries = [{ binding: 0, resource: { buffer: lab.upload(Uint32Array.of(1)) } }];
    const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(1);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const before = performance.eventLoopUtilization();
    await device.queue.onSubmittedWorkDone();
    const { active, idle, utilization } = performance.eventLoopUtilization(before);
    expect(active + idle).toBeGreaterThan(20); // ms, or nothing was waited for
    expect(utilization).toBeLessThan(0.5);
  }));
