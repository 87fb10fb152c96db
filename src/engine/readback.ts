// Small results on their way back from the GPU. A few buffers take turns, so that a pass can be submitted while the last one is still read.
import type { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import { needsNudge, nudged } from "../gpu/nudge";
import { EngineError } from "../protocol/errors";

export class Readback {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #label: string;
  readonly #bytes: number;
  readonly #slow = needsNudge();
  readonly #free: GPUBuffer[] = [];

  constructor(gpu: Gpu, memory: Memory, label: string, bytes: number) {
    this.#gpu = gpu;
    this.#memory = memory;
    this.#label = label;
    this.#bytes = bytes;
  }

  /** `submit` copies into the buffer it is given and submits; the promise gives the first `bytes` as words. Throws "device-lost". */
  async take(bytes: number, submit: (target: GPUBuffer) => void): Promise<Uint32Array<ArrayBuffer>> {
    const buffer = this.#free.pop() ?? this.#memory.readback(this.#label, this.#bytes);
    try {
      submit(buffer);
    } catch (error) {
      this.#free.push(buffer);
      throw error;
    }
    try {
      const mapped = buffer.mapAsync(GPUMapMode.READ, 0, Math.max(4, bytes));
      await (this.#slow ? nudged(this.#gpu.device, mapped) : mapped);
    } catch (error) {
      throw new EngineError("device-lost", "The graphics processor was reset or taken away.", String(error));
    }
    const words = new Uint32Array(buffer.getMappedRange(0, Math.max(4, bytes)).slice(0, bytes));
    buffer.unmap();
    this.#free.push(buffer);
    this.#gpu.check();
    return words;
  }

  /** Frees the buffers that are not in use. */
  release(): void {
    for (const buffer of this.#free.splice(0)) this.#memory.free(buffer);
  }
}

/** The first `bytes` of a buffer from `offset` on, a multiple of 4: once, where nothing waits for it. Throws "device-lost". */
export async function readBuffer(gpu: Gpu, memory: Memory, buffer: GPUBuffer, bytes: number, offset = 0): Promise<ArrayBuffer> {
  const readback = new Readback(gpu, memory, "read once", bytes);
  const words = await readback.take(bytes, (target) => {
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, target, 0, Math.ceil(bytes / 4) * 4);
    gpu.device.queue.submit([encoder.finish()]);
  });
  readback.release();
  return words.buffer;
}
