import { expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { inErrorScopes, openGpu } from "../../src/gpu/device";
import { useGpu } from "../setup/gpu";

const bench = useGpu();

test("no WebGPU and no adapter are told apart", async () => {
  await expect(openGpu(undefined)).rejects.toMatchObject({ code: "no-webgpu" });
  const none = { requestAdapter: async () => null, wgslLanguageFeatures: new Set() } as unknown as GPU;
  await expect(openGpu(none)).rejects.toMatchObject({ code: "no-adapter" });
});

test("the device has all the buffer sizes that the adapter offers, and the default limits otherwise", async () => {
  const gpu = nodeGpu({ compileOnly: true });
  const adapter = await gpu.requestAdapter();
  const { device } = await openGpu(gpu);
  expect(device.limits.maxBufferSize).toBe(adapter?.limits.maxBufferSize);
  expect(device.limits.maxStorageBufferBindingSize).toBe(adapter?.limits.maxStorageBufferBindingSize);
  expect(device.limits.maxStorageBuffersPerShaderStage).toBe(8);
  expect(device.limits.maxComputeWorkgroupStorageSize).toBe(16_384);
  device.destroy();
});

// No timestamps unless profiling: the feature may cost speed even while unused.
test("timestamps are asked for only when profiling", async () => {
  for (const profile of [false, true]) {
    const gpu = await openGpu(nodeGpu(), { profile });
    expect(gpu.device.features.has("timestamp-query")).toBe(gpu.timestamps);
    if (!profile) expect(gpu.timestamps).toBe(false);
    gpu.device.destroy();
  }
});

const invalid = { size: 16, usage: 0x1 | 0x80 }; // MAP_READ | STORAGE: what is mapped for reading may only be copied into

test("an error that no scope catches is heard, once", async () => {
  const gpu = await openGpu(nodeGpu({ compileOnly: true }));
  gpu.device.createBuffer(invalid);
  gpu.device.createBuffer(invalid);
  await gpu.device.queue.onSubmittedWorkDone();
  expect(() => gpu.check()).toThrow(expect.objectContaining({ code: "shader-failed" }));
  expect(() => gpu.check()).not.toThrow();
  gpu.device.destroy();
});

test("error scopes turn what the GPU refuses into an error, give results back and let other errors through", async () => {
  const { device, check } = bench.gpu;
  await expect(inErrorScopes(device, () => device.createBuffer(invalid))).rejects.toMatchObject({
    name: "EngineError",
    code: "shader-failed",
    detail: expect.stringContaining("MapRead"),
  });
  check();
  expect(await inErrorScopes(device, async () => 7)).toBe(7);
  await expect(
    inErrorScopes(device, () => {
      throw new RangeError("mine");
    }),
  ).rejects.toThrow(new RangeError("mine"));
});

test("a device that was destroyed on purpose is not reported as lost", async () => {
  const gpu = await openGpu(nodeGpu({ compileOnly: true }));
  gpu.device.destroy();
  await gpu.device.lost;
  const silence = new Promise((resolve) => setTimeout(resolve, 20, "nothing"));
  expect(await Promise.race([gpu.lost, silence])).toBe("nothing");
});
