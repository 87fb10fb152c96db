// Products in the shapes of a model, to be timed and to be held to the reference before any token depends on them.
import { Memory } from "../gpu/buffers";
import { type Gpu, inErrorScopes } from "../gpu/device";
import { workDone } from "../gpu/nudge";
import { Plan, type Step } from "../gpu/plan";
import { BATCH_WORDS, batchWords } from "../kernels/batch";
import { linearInt8 } from "../kernels/linear_int8";
import { linearInt8Reference } from "../kernels/linear_int8.reference";
import { type Choices, foldsNorm } from "../kernels/policy";
import type { QuantisedMatrix } from "../kernels/tensors";
import type { LinearSpec } from "../models/weights";
import { type Int8Rows as HostRows, paddedWidth } from "../quantize/int8";
import { randomCodes } from "./random";
import { Readback } from "./readback";
import { TrialNorm } from "./trial_norm";
import { inTurn, matrixBytes, sameMatrices, type TrialWeights, trialWeights } from "./trial_weights";

const SAMPLE_MS = 8; // long enough for a clock that is read in milliseconds
const SAMPLES = 3;

/** The most rows that a trial is made for: a whole tile of the largest kind of products of many rows. */
export const MOST_ROWS = 64;

export interface Shape {
  readonly inputs: number;
  readonly outputs: number;
  readonly accumulate: boolean; // what is made is added to what is there
  readonly normed: boolean; // its input is the residual stream, normed
  readonly matrices: number; // of this shape in the model
}

export interface TrialOptions {
  readonly weights: QuantisedMatrix["kind"];
  readonly epsilon: number; // of the norms
  readonly product?: typeof linearInt8; // the kernel's front door; a test may give one that is wrong
}

interface Product {
  readonly shape: Shape;
  readonly weights: TrialWeights;
  readonly others: QuantisedMatrix[]; // with the same weights, made when something is timed
  readonly norm: TrialNorm | null; // what makes its input; null: the codes that all such products share
}

/**
 * The two shapes with the most weights: they decide, and more would take longer to compile than there is to gain. What ends as wide as the
 * residual stream is added to it, and what else begins so is normed, so that the pipelines are those that the model itself needs.
 */
export function heaviestShapes(linears: readonly LinearSpec[]): readonly Shape[] {
  const width = linears.find(({ table }) => table)?.inputs;
  const shapes = new Map<string, Shape>();
  for (const { inputs, outputs: parts, table = false } of linears) {
    const outputs = parts.reduce((a, b) => a + b, 0);
    const accumulate = outputs === width;
    const key = `${inputs} ${outputs}`;
    const matrices = (shapes.get(key)?.matrices ?? 0) + 1;
    if (!table) shapes.set(key, { inputs, outputs, accumulate, normed: inputs === width && !accumulate, matrices });
  }
  return [...shapes.values()].sort((a, b) => b.inputs * b.outputs - a.inputs * a.outputs).slice(0, 2);
}

export class Trial {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #readback: Readback;
  readonly #batch: GPUBuffer;
  readonly #bias: GPUBuffer; // zeros
  readonly #output: GPUBuffer;
  readonly #codes: GPUBuffer;
  readonly #scales: GPUBuffer; // ones
  readonly #host: Int8Array<ArrayBuffer>; // the codes, [rows, padded inputs] of whichever product
  readonly #products: readonly Product[];
  readonly #product: typeof linearInt8;
  #turn = 0; // how often each product was timed

  constructor(gpu: Gpu, shapes: readonly Shape[], { weights, epsilon, product = linearInt8 }: TrialOptions) {
    this.#gpu = gpu;
    this.#product = product;
    const memory = new Memory(gpu.device);
    this.#memory = memory;
    const widest = Math.max(...shapes.map(({ inputs }) => paddedWidth(inputs)));
    const outputs = Math.max(...shapes.map((shape) => shape.outputs));
    const random = randomCodes(Math.max(1 << 18, MOST_ROWS * widest));
    this.#host = random.slice(0, MOST_ROWS * widest);
    this.#host.fill(127, 0, widest); // with the first row of weights, the largest sum there is
    this.#batch = memory.uniform("batch", BATCH_WORDS * 4);
    this.#scales = memory.upload("scales", "scratch", new Float32Array(Math.max(outputs, MOST_ROWS)).fill(1));
    this.#bias = memory.storage("bias", "scratch", outputs * 4);
    this.#output = memory.storage("output", "scratch", MOST_ROWS * outputs * 4);
    this.#codes = memory.upload("codes", "scratch", this.#host);
    this.#readback = new Readback(gpu, memory, "checked", MOST_ROWS * outputs * 4);
    this.#products = shapes.map((shape) => ({
      shape,
      weights: trialWeights(gpu.device, memory, weights, shape, random, this.#scales),
      others: [],
      norm: shape.normed ? new TrialNorm(gpu, memory, { batch: this.#batch, rows: MOST_ROWS, width: shape.inputs, epsilon }) : null,
    }));
  }

  /** Compiles all that a model with these choices runs, side by side, so that measuring it waits for nothing. */
  async prepare(choices: Choices): Promise<void> {
    await this.#compile(choices);
  }

  /**
   * Milliseconds that the products of `rows` rows take with these choices, or null where they contradict the reference. On a GPU matrix after matrix
   * is read, as by the model: one that is read again and again lies in a cache, where other variants are fast.
   */
  async measure(choices: Choices, rows: number): Promise<number | null> {
    await this.#multiply();
    const plans = await this.#compile(choices, rows);
    if (!(await this.#isRight(plans, rows))) return null;
    let repeats = 1;
    let best = Number.POSITIVE_INFINITY;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const ms = await this.#time(plans, rows, repeats);
      this.#turn += repeats;
      best = Math.min(best, ms / repeats); // what else the machine does only adds
      if (sample === 0) repeats = Math.max(1, Math.min(64, Math.round(SAMPLE_MS / ms)));
      if (best > SAMPLE_MS) break; // seen well enough
    }
    return best;
  }

  /** Whether products of so many rows, one count after the other, are what the reference says. */
  async check(choices: Choices, counts: readonly number[]): Promise<boolean> {
    const plans = await this.#compile(choices);
    for (const rows of counts) if (!(await this.#isRight(plans, rows))) return false;
    return true;
  }

  dispose(): void {
    this.#memory.dispose();
  }

  /** Makes the matrices that are read in turn, where caches matter. The model will want more memory than they take. */
  async #multiply(): Promise<void> {
    const { device, software } = this.#gpu;
    const single = this.#products.filter(({ others }) => others.length === 0);
    if (software || single.length === 0) return;
    await inErrorScopes(device, () => {
      for (const { shape, weights, others } of single) {
        const count = inTurn(matrixBytes(weights.matrix), shape.matrices);
        others.push(...sameMatrices(device, this.#memory, weights.matrix, count - 1));
      }
    });
  }

  /** For passes of so many rows, or of any: of each product a plan for each of its matrices. */
  #compile(choices: Choices, rows?: number): Promise<readonly (readonly Plan[])[]> {
    const { device, pipelines } = this.#gpu;
    const wanted = (step: Step) => {
      return rows === undefined ? step : step.filter((dispatch) => dispatch.fits?.({ rows, headRows: 0 }) ?? true).slice(0, 1);
    };
    const plan = (product: Product, matrix: QuantisedMatrix) =>
      Plan.compile(device, pipelines, this.#steps(product, matrix, choices).map(wanted));
    const plans = (product: Product) => Promise.all([product.weights.matrix, ...product.others].map((matrix) => plan(product, matrix)));
    return Promise.all(this.#products.map(plans));
  }

  /** What the model does from the residual stream, or from codes, to the product's output. */
  #steps({ shape, norm }: Product, matrix: QuantisedMatrix, choices: Choices): readonly Step[] {
    const { packedDot, software } = this.#gpu;
    const device = { packedDot, software, choices };
    const folded = norm !== null && foldsNorm(shape.inputs, device);
    const codes = { kind: "int8", width: shape.inputs, codes: this.#codes, scales: this.#scales, signs: this.#bias } as const;
    const linear = {
      batch: this.#batch,
      input: norm?.rows(folded) ?? codes,
      matrix,
      bias: this.#bias,
      output: { kind: "float" as const, width: shape.outputs, values: this.#output },
      accumulate: shape.accumulate,
      maxRows: MOST_ROWS,
    };
    return [...(norm ? [norm.step(folded)] : []), this.#product("self-test", linear, device)];
  }

  async #isRight(plans: readonly (readonly Plan[])[], rows: number): Promise<boolean> {
    for (const [i, product] of this.#products.entries()) {
      const [first] = plans[i] ?? [];
      if (!first) continue;
      const { outputs } = product.shape;
      const { checked } = product.weights;
      // Of many rows the ends and two between: a wrong tile shows in each of its rows.
      const some = [...new Set([0, Math.floor(rows / 3), Math.floor((2 * rows) / 3), rows - 1])];
      const input = await this.#input(product, some);
      const bytes = rows * outputs * 4;
      const words = await this.#readback.take(bytes, (target) => {
        this.#submit([first], rows, 1, (encoder) => encoder.copyBufferToBuffer(this.#output, 0, target, 0, bytes));
      });
      const actual = new Float32Array(words.buffer);
      const width = paddedWidth(product.shape.inputs);
      const expected = linearInt8Reference(input, product.weights.rows, new Float32Array(checked.length), width);
      for (const [at, row] of some.entries()) {
        for (const [j, output] of checked.entries()) {
          // Sums are exact; those above 2^24 are rounded, and so is what a row's scale makes of any.
          const right = expected[at * checked.length + j] ?? Number.NaN;
          const off = Math.abs((actual[row * outputs + output] ?? Number.NaN) - right);
          if (!(off <= 2 ** -23 * Math.abs(right))) return false;
        }
      }
    }
    return true;
  }

  /** Rows of the product's input. */
  async #input({ shape, norm }: Product, rows: readonly number[]): Promise<HostRows> {
    const stride = paddedWidth(shape.inputs);
    const all = (await norm?.made()) ?? { codes: this.#host, scales: new Float32Array(MOST_ROWS).fill(1) };
    const codes = new Int8Array(rows.length * stride);
    for (const [at, row] of rows.entries()) codes.set(all.codes.subarray(row * stride, (row + 1) * stride), at * stride);
    return { codes, scales: Float32Array.from(rows, (row) => all.scales[row] ?? 1) };
  }

  async #time(plans: readonly (readonly Plan[])[], rows: number, repeats: number): Promise<number> {
    const start = performance.now();
    for (const some of plans) this.#submit(some, rows, repeats); // apart: on a weak device the two of 64 rows are long
    await workDone(this.#gpu.device);
    return performance.now() - start;
  }

  /** One of the plans after the other, over an output of zeros: some shapes add to it. */
  #submit(plans: readonly Plan[], rows: number, repeats: number, after: (encoder: GPUCommandEncoder) => void = () => {}): void {
    const { device } = this.#gpu;
    device.queue.writeBuffer(this.#batch, 0, batchWords({ rows, headRows: 0, position: 0 }, 0));
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(this.#output);
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i++) plans[(this.#turn + i) % plans.length]?.record(pass, { rows, headRows: 0 });
    pass.end();
    after(encoder);
    device.queue.submit([encoder.finish()]);
  }
}
