// Products in the shapes of a model, to be timed and to be held to the reference before any token depends on them.
import { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import { Plan, type Step } from "../gpu/plan";
import { BATCH_WORDS, batchWords } from "../kernels/batch";
import { linearInt8 } from "../kernels/linear_int8";
import { linearInt8Reference } from "../kernels/linear_int8.reference";
import type { Choices } from "../kernels/policy";
import type { Int8Matrix } from "../kernels/tensors";
import type { LinearSpec } from "../models/weights";
import { paddedWidth } from "../quantize/int8";
import { randomCodes } from "./random";
import { Readback } from "./readback";

const CHECKED_OUTPUTS = 24; // of each product
const SAMPLE_MS = 8; // long enough for a clock that is read in milliseconds
const SAMPLES = 3;

/** The most rows that a trial is made for: a whole tile of the largest kind of products of many rows. */
export const MOST_ROWS = 64;

export interface Shape {
  readonly inputs: number;
  readonly outputs: number;
  readonly accumulate: boolean; // what is made is added to what is there
}

interface Product {
  readonly shape: Shape;
  readonly matrix: Int8Matrix;
  readonly weights: Int8Array<ArrayBuffer>; // the rows that are checked, [CHECKED_OUTPUTS, padded inputs]
  readonly checked: readonly number[]; // their outputs
}

/**
 * The two shapes with the most weights: they decide, and more would take longer to compile than there is to gain. What ends as wide as the
 * residual stream is added to it, so that the pipelines are those that the model itself needs.
 */
export function heaviestShapes(linears: readonly LinearSpec[]): readonly Shape[] {
  const width = linears.find(({ table }) => table)?.inputs;
  const shapes = new Map<string, Shape>();
  for (const { inputs, outputs: parts, table = false } of linears) {
    const outputs = parts.reduce((a, b) => a + b, 0);
    if (!table) shapes.set(`${inputs} ${outputs}`, { inputs, outputs, accumulate: outputs === width });
  }
  return [...shapes.values()].sort((a, b) => b.inputs * b.outputs - a.inputs * a.outputs).slice(0, 2);
}

export class Trial {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #readback: Readback;
  readonly #maxRows: number;
  readonly #batch: GPUBuffer;
  readonly #scales: GPUBuffer; // ones
  readonly #bias: GPUBuffer; // zeros
  readonly #output: GPUBuffer;
  readonly #codes: GPUBuffer;
  readonly #host: Int8Array<ArrayBuffer>; // the same, [rows, padded inputs] of whichever product
  readonly #products: readonly Product[];
  readonly #product: typeof linearInt8;

  /** For passes of at most `maxRows`. `product` is the kernel's front door; a test may give one that is wrong. */
  constructor(gpu: Gpu, shapes: readonly Shape[], maxRows: number, product: typeof linearInt8 = linearInt8) {
    this.#gpu = gpu;
    this.#product = product;
    this.#maxRows = maxRows;
    const memory = new Memory(gpu.device);
    this.#memory = memory;
    const widest = Math.max(...shapes.map(({ inputs }) => paddedWidth(inputs)));
    const outputs = Math.max(...shapes.map((shape) => shape.outputs));
    const random = randomCodes(Math.max(1 << 18, maxRows * widest));
    this.#host = random.slice(0, maxRows * widest);
    this.#host.fill(127, 0, widest); // with the first row of weights, the largest sum there is
    this.#batch = memory.uniform("batch", BATCH_WORDS * 4);
    this.#scales = memory.upload("scales", "scratch", new Float32Array(Math.max(outputs, maxRows)).fill(1));
    this.#bias = memory.storage("bias", "scratch", outputs * 4);
    this.#output = memory.storage("output", "scratch", maxRows * outputs * 4);
    this.#codes = memory.upload("codes", "scratch", this.#host);
    this.#readback = new Readback(gpu, memory, "checked", maxRows * outputs * 4);
    this.#products = shapes.map((shape) => makeProduct(memory, shape, random, this.#scales));
  }

  /** Milliseconds that the products of `rows` rows take with these choices, or null where they contradict the reference. */
  async measure(choices: Choices, rows: number): Promise<number | null> {
    const plans = await this.#compile(choices);
    if (!(await this.#isRight(plans, rows))) return null;
    let repeats = 1;
    let best = Number.POSITIVE_INFINITY;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const ms = await this.#time(plans, rows, repeats);
      best = Math.min(best, ms / repeats); // what else the machine does only adds
      if (sample === 0) repeats = Math.max(1, Math.min(64, Math.round(SAMPLE_MS / ms)));
      if (best > SAMPLE_MS) break; // seen well enough
    }
    return best;
  }

  /** Whether products of `rows` rows are what the reference says. */
  async check(choices: Choices, rows: number): Promise<boolean> {
    return this.#isRight(await this.#compile(choices), rows);
  }

  dispose(): void {
    this.#memory.dispose();
  }

  #compile(choices: Choices): Promise<readonly Plan[]> {
    const { device, pipelines, packedDot, software } = this.#gpu;
    return Promise.all(
      this.#products.map(({ shape, matrix }) => {
        const linear = {
          batch: this.#batch,
          input: { kind: "int8" as const, width: shape.inputs, codes: this.#codes, scales: this.#scales, signs: this.#bias },
          matrix,
          bias: this.#bias,
          output: { kind: "float" as const, width: shape.outputs, values: this.#output },
          accumulate: shape.accumulate,
          maxRows: this.#maxRows,
        };
        const step: Step = this.#product("self-test", linear, { packedDot, software, choices });
        return Plan.compile(device, pipelines, [step]);
      }),
    );
  }

  async #isRight(plans: readonly Plan[], rows: number): Promise<boolean> {
    for (const [i, { shape, weights, checked }] of this.#products.entries()) {
      const plan = plans[i];
      if (!plan) continue;
      const bytes = rows * shape.outputs * 4;
      const words = await this.#readback.take(bytes, (target) => {
        this.#submit([plan], rows, 1, (encoder) => encoder.copyBufferToBuffer(this.#output, 0, target, 0, bytes));
      });
      const actual = new Float32Array(words.buffer);
      const stride = paddedWidth(shape.inputs);
      const ones = (length: number) => new Float32Array(length).fill(1);
      // Of many rows the ends and two between: a wrong tile shows in each of its rows.
      const some = [...new Set([0, Math.floor(rows / 3), Math.floor((2 * rows) / 3), rows - 1])];
      const input = { codes: new Int8Array(some.length * stride), scales: ones(some.length) };
      for (const [at, row] of some.entries()) input.codes.set(this.#host.subarray(row * stride, (row + 1) * stride), at * stride);
      const matrix = { codes: weights, scales: ones(checked.length) };
      const expected = linearInt8Reference(input, matrix, new Float32Array(checked.length), shape.inputs);
      for (const [at, row] of some.entries()) {
        for (const [j, output] of checked.entries()) {
          // Sums are whole numbers, and only those above 2^24 may be a rounding apart.
          const right = expected[at * checked.length + j] ?? Number.NaN;
          const off = Math.abs((actual[row * shape.outputs + output] ?? Number.NaN) - right);
          if (!(off <= (Math.abs(right) > 2 ** 24 ? 2 ** -23 * Math.abs(right) : 0))) return false;
        }
      }
    }
    return true;
  }

  async #time(plans: readonly Plan[], rows: number, repeats: number): Promise<number> {
    const start = performance.now();
    this.#submit(plans, rows, repeats);
    await this.#gpu.device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  }

  /** Over an output of zeros: some shapes add to it. */
  #submit(plans: readonly Plan[], rows: number, repeats: number, after: (encoder: GPUCommandEncoder) => void = () => {}): void {
    const { device } = this.#gpu;
    device.queue.writeBuffer(this.#batch, 0, batchWords({ rows, headRows: 0, position: 0 }, 0));
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(this.#output);
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i++) for (const plan of plans) plan.record(pass, { rows, headRows: 0 });
    pass.end();
    after(encoder);
    device.queue.submit([encoder.finish()]);
  }
}

function makeProduct(memory: Memory, shape: Shape, random: Int8Array<ArrayBuffer>, scales: GPUBuffer): Product {
  const { inputs, outputs } = shape;
  const stride = paddedWidth(inputs);
  const codes = memory.storage("trial weights", "weights", outputs * stride);
  // Random codes over and over, each time from another place, so that rows of a width that divides their count are not alike.
  for (let done = 0, turn = 0; done < outputs * stride; turn++) {
    const from = ((turn * 976) % (random.length / 2)) & ~15;
    const part = random.subarray(from, Math.min(random.length, from + outputs * stride - done));
    memory.write(codes, done, part);
    done += part.length;
  }
  const checked = Array.from({ length: Math.min(CHECKED_OUTPUTS, outputs) }, (_, i) =>
    Math.floor((i * (outputs - 1)) / Math.max(1, CHECKED_OUTPUTS - 1)),
  );
  const weights = new Int8Array(checked.length * stride);
  for (const [i, output] of checked.entries()) {
    const row = random.slice((i * 4096) % (random.length - stride), ((i * 4096) % (random.length - stride)) + stride);
    if (i === 0) row.fill(127);
    row.fill(0, inputs); // as padding is
    weights.set(row, i * stride);
    memory.write(codes, output * stride, row);
  }
  return { shape, checked, weights, matrix: { kind: "int8", inputs, outputs, codes, scales } };
}
