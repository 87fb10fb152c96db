// One device a test file, and every test inside error scopes, so that an invalid command fails the test that gave it.
import { afterAll, beforeAll } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { Memory } from "../../src/gpu/buffers";
import { type Gpu, inErrorScopes, openGpu } from "../../src/gpu/device";
import { Plan, type Step } from "../../src/gpu/plan";
import { BATCH_WORDS, type BatchPass, batchWords } from "../../src/kernels/batch";
import type { DeviceTraits } from "../../src/kernels/policy";

/** How kernels share out their work: as on a GPU or as in software. Either way runs on any device, to the same bits. */
export const traits = {
  gpu: { packedDot: true, software: false },
  software: { packedDot: true, software: true },
} as const satisfies Record<string, DeviceTraits>;

export interface Bench {
  readonly gpu: Gpu;
  /** Runs `work` with fresh buffers inside error scopes, and frees them. */
  run<T>(work: (lab: Lab) => Promise<T>): Promise<T>;
}

/** What a kernel test works with: buffers, a pass, and reading back. */
export class Lab {
  readonly gpu: Gpu;
  readonly memory: Memory;
  readonly batch: GPUBuffer;

  constructor(gpu: Gpu) {
    this.gpu = gpu;
    this.memory = new Memory(gpu.device);
    this.batch = this.memory.uniform("batch", BATCH_WORDS * 4);
  }

  upload(data: ArrayBufferView<ArrayBuffer>): GPUBuffer {
    return this.memory.upload("input", "scratch", data);
  }

  /** A buffer filled with a pattern that is neither zero nor a plausible result, so that what a kernel fails to write is seen. */
  output(bytes: number): GPUBuffer {
    return this.upload(new Uint8Array(bytes).fill(0x5a));
  }

  /** Runs the steps once; `position` and `stateSlot` are the batch's. */
  async pass(steps: readonly Step[], shape: Omit<BatchPass, "position">, position = 0, stateSlot = 0): Promise<void> {
    const { device, pipelines } = this.gpu;
    const plan = await Plan.compile(device, pipelines, steps);
    device.queue.writeBuffer(this.batch, 0, batchWords({ ...shape, position }, stateSlot));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    plan.record(pass, { ...shape, position });
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  }

  async read(buffer: GPUBuffer): Promise<ArrayBuffer> {
    const { device } = this.gpu;
    const staging = this.memory.readback("staging", buffer.size);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return staging.getMappedRange().slice(0);
  }

  async floats(buffer: GPUBuffer, count: number): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.read(buffer), 0, count);
  }

  async words(buffer: GPUBuffer, count: number): Promise<Uint32Array<ArrayBuffer>> {
    return new Uint32Array(await this.read(buffer), 0, count);
  }

  async bytes(buffer: GPUBuffer, count: number): Promise<Int8Array<ArrayBuffer>> {
    return new Int8Array(await this.read(buffer), 0, count);
  }
}

/** Opens the device for the tests of a file. */
export function useGpu(): Bench {
  let gpu: Gpu | undefined;
  const opened = (): Gpu => {
    if (!gpu) throw new Error("the GPU is opened before the first test, not while tests are collected");
    return gpu;
  };
  beforeAll(async () => {
    gpu = await openGpu(nodeGpu());
  });
  afterAll(() => {
    gpu?.device.destroy();
  });
  return {
    get gpu() {
      return opened();
    },
    async run(work) {
      const gpu = opened();
      const lab = new Lab(gpu);
      try {
        return await inErrorScopes(gpu.device, () => work(lab));
      } finally {
        gpu.check();
        lab.memory.dispose();
      }
    },
  };
}

/** Reproducible values in (-1, 1), about normal, as a kernel test wants them. */
export function randomFloats(count: number, seed = 0x5eed0001): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  const uniform = () => {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => (uniform() + uniform() + uniform() - 1.5) / 1.5);
}
