/** How often each method of a device and its queue was called. */
export type Calls = Readonly<
  Record<"createBuffer" | "createBindGroup" | "createComputePipelineAsync" | "createShaderModule" | "submit" | "mapAsync", number>
>;

/**
 * Counts calls on this device from now on, without changing what they do. `stop` puts everything back and says how many there were; `atReads` says for
 * each buffer that was mapped how many submits there had been by then.
 */
export function countCalls(device: GPUDevice): { now(): Calls; stop(): Calls; readonly atReads: readonly number[] } {
  const atReads: number[] = [];
  const counts = { createBuffer: 0, createBindGroup: 0, createComputePipelineAsync: 0, createShaderModule: 0, submit: 0, mapAsync: 0 };
  const undo: (() => void)[] = [];
  const watch = (target: object, name: keyof typeof counts) => {
    const method: unknown = Reflect.get(target, name);
    if (typeof method !== "function") throw new Error(`no ${name}`);
    Object.defineProperty(target, name, {
      configurable: true,
      value: (...args: unknown[]): unknown => {
        counts[name]++;
        return Reflect.apply(method, target, args);
      },
    });
    undo.push(() => Reflect.deleteProperty(target, name));
  };
  for (const name of ["createBuffer", "createBindGroup", "createComputePipelineAsync", "createShaderModule"] as const) watch(device, name);
  watch(device.queue, "submit");
  // A buffer's own method: the class is the same for all devices, so it is watched there.
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST });
  counts.createBuffer = 0;
  const prototype: object = Object.getPrototypeOf(buffer);
  const mapAsync = Object.getOwnPropertyDescriptor(prototype, "mapAsync")!;
  const map: unknown = mapAsync.value;
  Object.defineProperty(prototype, "mapAsync", {
    ...mapAsync,
    value(this: GPUBuffer, ...args: unknown[]) {
      counts.mapAsync++;
      const mapped = Reflect.apply(map as (...args: unknown[]) => Promise<undefined>, this, args);
      mapped.then(
        () => atReads.push(counts.submit),
        () => {}, // for whoever called to hear
      );
      return mapped;
    },
  });
  undo.push(() => Object.defineProperty(prototype, "mapAsync", mapAsync));
  buffer.destroy();
  return {
    atReads,
    now: () => ({ ...counts }),
    stop() {
      for (const step of undo) step();
      return { ...counts };
    },
  };
}
