// A GPU whose bindings may be no larger than it is told, so that a small model meets the limits that a large one meets on a phone.
import type { Gpu } from "../../src/gpu/device";

export function limitedGpu(gpu: Gpu, maxStorageBufferBindingSize: number): Gpu {
  const device = new Proxy(gpu.device, {
    get(target, key): unknown {
      if (key === "limits") return { maxBufferSize: target.limits.maxBufferSize, maxStorageBufferBindingSize };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return { ...gpu, device };
}
