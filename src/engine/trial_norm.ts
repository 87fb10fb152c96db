// The norm in front of a trial's product: made by itself, or left to the product of a single row.
import type { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import { Plan, type Step } from "../gpu/plan";
import { batchWords } from "../kernels/batch";
import { type RmsNorm, rmsNorm } from "../kernels/rms_norm";
import { rmsNormReference } from "../kernels/rms_norm.reference";
import { rotateQuantizeReference } from "../kernels/rotate_quantize.reference";
import type { Int8Rows } from "../kernels/tensors";
import { type Int8Rows as HostRows, paddedWidth } from "../quantize/int8";
import { signBits } from "../quantize/signs";
import { areClose, areCodes } from "./mixer_checks";
import { randomFloats } from "./random";
import { readBuffer } from "./readback";
import { wrongResult } from "./wrong_result";

export interface TrialNormOptions {
  readonly batch: GPUBuffer;
  readonly rows: number;
  readonly width: number;
  readonly epsilon: number;
}

export class TrialNorm {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #rows: number;
  readonly #values: Float32Array<ArrayBuffer>; // [rows, width]
  readonly #weights: Float32Array<ArrayBuffer>; // [width]
  readonly #norm: RmsNorm & { readonly output: Int8Rows };
  #made: Promise<HostRows> | null = null;

  /** Of random rows. */
  constructor(gpu: Gpu, memory: Memory, { batch, rows, width, epsilon }: TrialNormOptions) {
    this.#gpu = gpu;
    this.#memory = memory;
    this.#rows = rows;
    this.#values = randomFloats(rows * width);
    this.#weights = randomFloats(width, 0xbead);
    const codes = memory.storage("normed codes", "scratch", rows * paddedWidth(width));
    const scales = memory.storage("normed scales", "scratch", rows * 4);
    const signs = memory.upload("signs", "scratch", signBits(width));
    this.#norm = {
      batch,
      input: { kind: "float", width, values: memory.upload("rows", "scratch", this.#values) },
      weight: memory.upload("norm", "scratch", this.#weights),
      epsilon,
      output: { kind: "int8", width, codes, scales, signs },
    };
  }

  /** The norm's own step, which leaves a single row out where norms are folded. */
  step(folded: boolean): Step {
    return [rmsNorm("self-test", { ...this.#norm, folded }, this.#gpu)];
  }

  /** What a product takes behind it. */
  rows(folded: boolean): Int8Rows {
    const { input, weight, epsilon, output } = this.#norm;
    return folded ? { ...output, norm: { input, weight, epsilon } } : output;
  }

  /** The codes that the norm makes of all rows by itself. Throws EngineError "wrong-result" where they contradict the reference. */
  made(): Promise<HostRows> {
    this.#made ??= this.#make();
    return this.#made;
  }

  async #make(): Promise<HostRows> {
    const { device, pipelines } = this.#gpu;
    const plan = await Plan.compile(device, pipelines, [this.step(false)]);
    const shape = { rows: this.#rows, headRows: 0 };
    device.queue.writeBuffer(this.#norm.batch, 0, batchWords({ ...shape, position: 0 }, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    plan.record(pass, shape);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const { codes, scales, width } = this.#norm.output;
    const made = {
      codes: new Int8Array(await readBuffer(this.#gpu, this.#memory, codes, this.#rows * paddedWidth(width))),
      scales: new Float32Array(await readBuffer(this.#gpu, this.#memory, scales, this.#rows * 4)),
    };
    const normed = rmsNormReference(this.#values, this.#weights, Math.fround(this.#norm.epsilon));
    const right = rotateQuantizeReference(normed, width);
    if (!areCodes(made.codes, right.codes) || !areClose(made.scales, right.scales)) throw wrongResult("rms_norm");
    return made;
  }
}
