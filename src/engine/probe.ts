// A kernel of a loaded model, to be run by itself: what its dispatches are bound to is written and read.
import type { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import { type Dispatch, Plan } from "../gpu/plan";
import { batchWords } from "../kernels/batch";
import { EngineError } from "../protocol/errors";
import { readBuffer } from "./readback";

const ROWS = 1; // every engine has room for one, and a row is a workgroup like any other

export class Probe {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #dispatches: readonly Dispatch[];

  /** Of the dispatches that one call of the kernel's front door makes. */
  constructor(gpu: Gpu, memory: Memory, dispatches: readonly Dispatch[]) {
    this.#gpu = gpu;
    this.#memory = memory;
    this.#dispatches = dispatches;
  }

  constant(name: string): number {
    return this.#dispatches[0]?.constants[name] ?? Number.NaN;
  }

  has(binding: string): boolean {
    return this.#dispatches.some(({ bindings }) => bindings[binding] !== undefined);
  }

  /** Whether its shader has this part, a file of shaders/lib. */
  uses(part: string): boolean {
    return this.#dispatches.some(({ shader }) => shader.parts.some(({ name }) => name === `lib/${part}.wgsl`));
  }

  /** `offset` in bytes, a multiple of 4. */
  write(binding: string, data: ArrayBufferView<ArrayBuffer> | ArrayBuffer, offset = 0): void {
    this.#gpu.device.queue.writeBuffer(this.#buffer(binding), offset, data);
  }

  /** Runs it for one row. */
  async run(position = 0): Promise<void> {
    const { device, pipelines } = this.#gpu;
    const shape = { rows: ROWS, headRows: ROWS, position };
    const steps = this.#dispatches.map((dispatch) => {
      // A norm leaves a single row to the products behind it; here it is to make one all the same.
      const isIdle = dispatch.grid(shape).includes(0);
      return [isIdle ? { ...dispatch, grid: () => [ROWS, 1, 1] as const } : dispatch];
    });
    const plan = await Plan.compile(device, pipelines, steps);
    // A kernel without the batch's values takes its rows from the grid.
    if (this.has("batch")) this.write("batch", batchWords(shape, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    plan.record(pass, shape);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  read(binding: string, bytes: number, offset = 0): Promise<ArrayBuffer> {
    return readBuffer(this.#gpu, this.#memory, this.#buffer(binding), bytes, offset);
  }

  async floats(binding: string, count: number, first = 0): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.read(binding, count * 4, first * 4));
  }

  #buffer(binding: string): GPUBuffer {
    const bound = this.#dispatches.find(({ bindings }) => bindings[binding])?.bindings[binding];
    if (!bound) throw new EngineError("internal", `${this.#dispatches[0]?.label ?? "A probe"} binds no ${binding}.`);
    return bound;
  }
}
