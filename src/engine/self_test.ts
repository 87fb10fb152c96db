// Does this GPU compute what it should? Drivers have faults: ONNX Runtime's attention was wrong without a word on an adapter whose subgroups
// are small (microsoft/onnxruntime, WebGPU). So before a model answers, its own dispatches are run on random numbers and held to the references,
// on pipelines that are compiled anyway. Products have had a test before, in trial.ts, where a wrong variant can be replaced.
import { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import type { Dispatch } from "../gpu/plan";
import { gatedSiluReference } from "../kernels/gated_silu.reference";
import { rmsNormReference } from "../kernels/rms_norm.reference";
import { type SamplingParams, writeSampling } from "../kernels/sample";
import { sampleReference } from "../kernels/sample.reference";
import { EngineError } from "../protocol/errors";
import type { Room } from "./meter";
import { type Checks, hasRow, mixerChecks } from "./mixer_checks";
import { Probe } from "./probe";
import { randomFloats } from "./random";
import type { Runner } from "./runner";
import { productChecks, tableChecks } from "./weight_checks";

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

const checks: Checks = {
  async rms_norm(probe) {
    const width = probe.constant("WIDTH");
    const input = randomFloats(width);
    probe.write("input", input);
    await probe.run();
    const weight = await probe.floats("weight", width);
    return hasRow(probe, rmsNormReference(input, weight, Math.fround(probe.constant("EPSILON"))));
  },
  async gated_silu(probe) {
    const width = probe.constant("WIDTH");
    const input = randomFloats(2 * width);
    probe.write("input", input);
    await probe.run();
    return hasRow(probe, gatedSiluReference(input, width));
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
  ...mixerChecks,
  ...tableChecks,
};

/**
 * All of it for a model that was loaded. Its buffers hold random numbers afterwards, caches and states among them. Throws EngineError
 * "wrong-result" with what is wrong.
 */
export async function selfTest(gpu: Gpu, runner: Runner, { maxRows, maxHeadRows, vocabulary }: Room): Promise<void> {
  const dispatches = (rows: number, headRows: number) => {
    return runner.dispatches({ rows: Math.min(rows, maxRows), headRows: Math.min(headRows, maxHeadRows) }).map(({ dispatch }) => dispatch);
  };
  await expectKernels(gpu, dispatches(2, 1)); // of two rows, where norms have dispatches of their own
  await expectProducts(gpu, [...dispatches(1, 1), ...dispatches(2, 2), ...dispatches(maxRows, maxHeadRows)]);
  // In software that takes as long as a reply's first words, and what it computes there is what the tests have seen.
  if (!gpu.software) await expectRowsIndependent(runner, vocabulary, Math.min(20, maxRows));
}

/** Runs one dispatch of each kernel that has a check on random numbers. Throws EngineError "wrong-result" with the kernel's name. */
export async function expectKernels(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<void> {
  const memory = new Memory(gpu.device);
  try {
    for (const [kernel, check] of Object.entries(checks)) {
      const probe = Probe.of(kernel, gpu, memory, dispatches);
      if (probe && !(await check(probe))) throw wrongResult(kernel);
    }
  } finally {
    memory.dispose();
  }
}

/** The same for one dispatch of each shader that makes products. */
export async function expectProducts(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<void> {
  const products = new Map(dispatches.filter(({ shader }) => shader.name in productChecks).map((dispatch) => [dispatch.shader, dispatch]));
  const memory = new Memory(gpu.device);
  try {
    for (const [shader, dispatch] of products) {
      const isRight = await productChecks[shader.name]?.(Probe.alone(gpu, memory, dispatch));
      if (!isRight) throw wrongResult(`${shader.name}, ${dispatch.label}`);
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
