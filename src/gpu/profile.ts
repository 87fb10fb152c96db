// GPU time of every dispatch of a pass, from timestamp queries. For measuring only: each dispatch becomes a compute pass of its own, which
// costs time that a plain pass does not.
import { EngineError } from "../protocol/errors";
import type { Recorder } from "./plan";

const MAX_QUERIES = 4096; // WebGPU's limit for a query set

export interface KernelTime {
  readonly kernel: string; // the shader's name
  readonly ms: number;
}

export class Profiler {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #readback: GPUBuffer;
  #kernels: string[] = []; // of the pass that was begun last

  /** The device must have been opened with timestamps. Throws EngineError "bad-request" where it has none. */
  constructor(device: GPUDevice) {
    if (!device.features.has("timestamp-query")) {
      throw new EngineError("bad-request", "This graphics processor does not tell the time of its work.");
    }
    this.#queries = device.createQuerySet({ label: "profile", type: "timestamp", count: MAX_QUERIES });
    const size = MAX_QUERIES * 8;
    this.#resolved = device.createBuffer({ label: "profile", size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#readback = device.createBuffer({ label: "profile", size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** Stands in for a compute pass of this encoder: every dispatch recorded into it is timed. One at a time. */
  begin(encoder: GPUCommandEncoder): Recorder & { end(): void } {
    const kernels: string[] = [];
    this.#kernels = kernels;
    let pipeline: GPUComputePipeline | null = null;
    let bindGroup: GPUBindGroup | null = null;
    return {
      setPipeline: (next) => {
        pipeline = next;
      },
      setBindGroup: (_index: number, next: GPUBindGroup | null | undefined) => {
        bindGroup = next ?? null;
      },
      dispatchWorkgroups: (x, y, z) => {
        if (!pipeline) throw new Error("a dispatch without a pipeline");
        const first = 2 * kernels.length;
        if (first + 2 > MAX_QUERIES)
          throw new EngineError("bad-request", `A pass of more than ${MAX_QUERIES / 2} dispatches cannot be timed.`);
        kernels.push(pipeline.label);
        const timestampWrites = { querySet: this.#queries, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(x, y, z);
        pass.end();
      },
      end: () => {
        if (kernels.length === 0) return;
        encoder.resolveQuerySet(this.#queries, 0, 2 * kernels.length, this.#resolved, 0);
        encoder.copyBufferToBuffer(this.#resolved, 0, this.#readback, 0, 16 * kernels.length);
      },
    };
  }

  /** Times of the pass that was begun last, in the order of its dispatches, once it has been submitted. */
  async read(): Promise<readonly KernelTime[]> {
    const bytes = 16 * this.#kernels.length;
    if (bytes === 0) return [];
    await this.#readback.mapAsync(GPUMapMode.READ, 0, bytes);
    const nanoseconds = new BigUint64Array(this.#readback.getMappedRange(0, bytes).slice(0));
    this.#readback.unmap();
    return this.#kernels.map((kernel, i) => {
      const [begin = 0n, end = 0n] = nanoseconds.subarray(2 * i, 2 * i + 2);
      return { kernel, ms: Math.max(0, Number(end - begin)) / 1e6 }; // some drivers let a clock run backwards
    });
  }

  dispose(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#readback.destroy();
  }
}
