import { EngineError } from "../protocol/errors";

/** What a buffer is for; memory is reported by these. */
export type Purpose = "weights" | "cache" | "scratch";

export interface Bound {
  readonly weightBytes: number;
  readonly cacheBytes: number;
}

/** Allocates every buffer of a model, counts bytes by purpose, and frees all at once. */
export class Memory {
  readonly #device: GPUDevice;
  readonly #buffers = new Map<GPUBuffer, Purpose>();
  readonly #bytes: Record<Purpose, number> = { weights: 0, cache: 0, scratch: 0 };

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get bytes(): Readonly<Record<Purpose, number>> {
    return this.#bytes;
  }

  /** The most bytes that a storage buffer may have. */
  get largestStorage(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    return Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 16) * 16;
  }

  /** A zeroed storage buffer of at least `bytes`. Throws EngineError "out-of-memory" where the device's limits are too small. */
  storage(label: string, purpose: Purpose, bytes: number): GPUBuffer {
    return this.#allocate(label, purpose, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  }

  uniform(label: string, bytes: number): GPUBuffer {
    return this.#allocate(label, "scratch", bytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  }

  /** A buffer that the GPU copies into and the host maps for reading. */
  readback(label: string, bytes: number): GPUBuffer {
    return this.#allocate(label, "scratch", bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** A storage buffer that holds `data`. */
  upload(label: string, purpose: Purpose, data: ArrayBufferView<ArrayBuffer>): GPUBuffer {
    const buffer = this.storage(label, purpose, data.byteLength);
    this.write(buffer, 0, data);
    return buffer;
  }

  /** Writes at a byte offset that is a multiple of 4; a tail of less than four bytes is padded with zeros. */
  write(buffer: GPUBuffer, offset: number, data: ArrayBufferView<ArrayBuffer>): void {
    const whole = data.byteLength & ~3;
    if (whole > 0) this.#device.queue.writeBuffer(buffer, offset, data.buffer, data.byteOffset, whole);
    if (whole === data.byteLength) return;
    const tail = new Uint8Array(4);
    tail.set(new Uint8Array(data.buffer, data.byteOffset + whole, data.byteLength - whole));
    this.#device.queue.writeBuffer(buffer, offset + whole, tail);
  }

  /** How much of the weights and of the caches such bindings reach; a buffer that is bound twice counts once. */
  bound(bindings: Readonly<Record<string, GPUBuffer>>): Bound {
    const buffers = [...new Set(Object.values(bindings))];
    const bytes = (purpose: Purpose) => buffers.reduce((sum, buffer) => sum + (this.#buffers.get(buffer) === purpose ? buffer.size : 0), 0);
    return { weightBytes: bytes("weights"), cacheBytes: bytes("cache") };
  }

  /** Frees one buffer ahead of the others. */
  free(buffer: GPUBuffer): void {
    const purpose = this.#buffers.get(buffer);
    if (purpose === undefined) return;
    this.#buffers.delete(buffer);
    this.#bytes[purpose] -= buffer.size;
    buffer.destroy();
  }

  dispose(): void {
    for (const buffer of [...this.#buffers.keys()]) this.free(buffer);
  }

  #allocate(label: string, purpose: Purpose, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16); // whole vec4s
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    if (size > maxBufferSize || ((usage & GPUBufferUsage.STORAGE) !== 0 && size > maxStorageBufferBindingSize)) {
      throw new EngineError(
        "out-of-memory",
        "A part of this model is larger than this graphics processor allows.",
        `${label}: ${size} bytes, limits ${maxBufferSize} (buffer) and ${maxStorageBufferBindingSize} (binding)`,
      );
    }
    const buffer = this.#device.createBuffer({ label, size, usage });
    this.#buffers.set(buffer, purpose);
    this.#bytes[purpose] += size;
    return buffer;
  }
}
