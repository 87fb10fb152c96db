// Does this GPU compute what it should? Drivers have faults: ONNX Runtime's attention was wrong without a word on an adapter whose subgroups
// are small (microsoft/onnxruntime, WebGPU). So before a model answers, its own dispatches are run on random numbers and held to the references,
// on pipelines that are compiled anyway. Products have a test of their own, in tuner.ts, where a wrong variant can be replaced.
import { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import { type Dispatch, Plan } from "../gpu/plan";
import { batchWords } from "../kernels/batch";
import { gatedSiluReference } from "../kernels/gated_silu.reference";
import { rmsNormReference } from "../kernels/rms_norm.reference";
import { rotateQuantizeReference } from "../kernels/rotate_quantize.reference";
import { type SamplingParams, writeSampling } from "../kernels/sample";
import { sampleReference } from "../kernels/sample.reference";
import { EngineError } from "../protocol/errors";
import { paddedWidth } from "../quantize/int8";
import { randomCodes } from "./random";
import { Readback } from "./readback";
import type { Runner } from "./runner";

const ROWS = 1; // every engine has room for one, and a row is a workgroup like any other
const POSITIONS = [0, 3, 40, 511, 5000, 70_000]; // of draws, which take other noise at each
const MOST_DRAWN = 2 ** 16; // entries of a vocabulary for which the reference draws in good time
const SAMPLING: SamplingParams = {
  temperature: 0.8,
  topK: 50,
  topP: 0.9,
  minP: 0.01,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0x5eedn,
};

/** Reads and writes what a dispatch is bound to. */
class Probe {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #dispatch: Dispatch;
  readonly #shape = { rows: ROWS, headRows: ROWS };

  constructor(gpu: Gpu, memory: Memory, dispatch: Dispatch) {
    this.#gpu = gpu;
    this.#memory = memory;
    this.#dispatch = dispatch;
  }

  constant(name: string): number {
    return this.#dispatch.constants[name] ?? Number.NaN;
  }

  has(binding: string): boolean {
    return this.#dispatch.bindings[binding] !== undefined;
  }

  write(binding: string, data: ArrayBufferView<ArrayBuffer> | ArrayBuffer): void {
    this.#gpu.device.queue.writeBuffer(this.#buffer(binding), 0, data);
  }

  async run(position = 0): Promise<void> {
    const { device, pipelines } = this.#gpu;
    const grid = () => [ROWS, 1, 1] as const; // also of a norm that leaves a single row to its products
    const plan = await Plan.compile(device, pipelines, [[{ ...this.#dispatch, grid }]]);
    // A kernel without the batch's values takes its rows from the grid.
    if (this.has("batch")) this.write("batch", batchWords({ ...this.#shape, position }, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    plan.record(pass, this.#shape);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  async read(binding: string, bytes: number): Promise<ArrayBuffer> {
    const readback = new Readback(this.#gpu, this.#memory, "self-test", bytes);
    const words = await readback.take(bytes, (target) => {
      const encoder = this.#gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.#buffer(binding), 0, target, 0, Math.ceil(bytes / 4) * 4);
      this.#gpu.device.queue.submit([encoder.finish()]);
    });
    readback.release();
    return words.buffer;
  }

  async floats(binding: string, count: number): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.read(binding, count * 4));
  }

  #buffer(binding: string): GPUBuffer {
    const buffer = this.#dispatch.bindings[binding];
    if (!buffer) throw new EngineError("internal", `${this.#dispatch.label} binds no ${binding}.`);
    return buffer;
  }
}

type Check = (probe: Probe) => Promise<boolean>;

const checks: Readonly<Record<string, Check>> = {
  async rms_norm(probe) {
    const width = probe.constant("WIDTH");
    const input = randomFloats(ROWS * width);
    probe.write("input", input);
    await probe.run();
    const weight = await probe.floats("weight", width);
    return areRows(probe, rmsNormReference(input, weight, Math.fround(probe.constant("EPSILON"))), width);
  },
  async gated_silu(probe) {
    const width = probe.constant("WIDTH");
    const input = randomFloats(ROWS * 2 * width);
    probe.write("input", input);
    await probe.run();
    return areRows(probe, gatedSiluReference(input, width), width);
  },
  async sample(probe) {
    const vocabulary = probe.constant("VOCABULARY");
    const live = probe.constant("LIVE");
    const params = vocabulary > MOST_DRAWN ? { ...SAMPLING, temperature: 0 } : SAMPLING;
    const logits = randomFloats(vocabulary).map((x) => 3 * x);
    const counts = new Uint32Array(vocabulary);
    probe.write("sampling", writeSampling(params));
    for (const position of POSITIONS) {
      probe.write("logits", logits); // a draw leaves them scaled
      probe.write("counts", counts);
      await probe.run(position);
      const [token] = new Uint32Array(await probe.read("sampled", 4));
      if (token !== sampleReference(logits.subarray(0, live), counts, params, position + 1)) return false;
    }
    return true;
  },
};

/**
 * Runs one dispatch of each kernel that has a check on random numbers. The engine's buffers hold those afterwards, its caches and states what
 * they held before. Throws EngineError "wrong-result" with the kernel's name.
 */
export async function selfTest(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<void> {
  const memory = new Memory(gpu.device);
  try {
    for (const [kernel, check] of Object.entries(checks)) {
      const dispatch = dispatches.find(({ shader }) => shader.name === kernel);
      if (dispatch && !(await check(new Probe(gpu, memory, dispatch)))) throw wrongResult(kernel);
    }
  } finally {
    memory.dispose();
  }
}

/**
 * Feeds tokens alone and in one pass, and expects the same logits bit for bit, as the design promises: so two variants of everything, attention
 * among them, are held to each other. Leaves caches and states to be cleared. Throws EngineError "wrong-result".
 */
export async function expectRowsIndependent(runner: Runner, vocabulary: number, rows: number): Promise<void> {
  const tokens = Array.from({ length: rows }, (_, i) => (7 * i + 1) % vocabulary);
  runner.clearStates();
  const together = await runner.logits({ rows, headRows: 1, position: 0, tokens }, vocabulary);
  runner.clearStates();
  for (const [position, token] of tokens.slice(0, -1).entries()) runner.feed({ rows: 1, headRows: 0, position, tokens: [token] });
  const alone = await runner.logits({ rows: 1, headRows: 1, position: rows - 1, tokens: tokens.slice(-1) }, vocabulary);
  const [a, b] = [together, alone].map((logits) => new Uint32Array(logits.buffer));
  if (!a?.every((bits, i) => bits === b?.[i])) throw wrongResult(`a pass of ${rows} rows differs from as many passes of one`);
}

export function wrongResult(detail: string): EngineError {
  return new EngineError("wrong-result", "This GPU computed a wrong result.", detail);
}

/** Whether the dispatch wrote these rows, as floats or rotated and quantised. */
async function areRows(probe: Probe, expected: Float32Array<ArrayBuffer>, width: number): Promise<boolean> {
  if (!probe.has("codes")) {
    const actual = await probe.floats("output", ROWS * width);
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    return expected.every((x, i) => Math.abs(x - (actual[i] ?? Number.NaN)) <= 1e-5 * largest);
  }
  const right = rotateQuantizeReference(expected, width);
  const codes = new Int8Array(await probe.read("codes", ROWS * paddedWidth(width)));
  const scales = await probe.floats("scales", ROWS);
  return (
    // Sums in f32 differ in their last bits from those in f64, which moves a code that lies between two.
    right.codes.every((code, i) => Math.abs(code - (codes[i] ?? Number.NaN)) <= 1) &&
    right.scales.every((scale, row) => Math.abs(scale - (scales[row] ?? Number.NaN)) <= 1e-5 * scale)
  );
}

function randomFloats(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(randomCodes(count), (code) => code / 127);
}
