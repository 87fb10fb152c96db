// Does this GPU compute what it should? Drivers have faults: ONNX Runtime's attention was wrong without a word on an adapter whose subgroups
// are small (microsoft/onnxruntime, WebGPU). So before a model answers, its own dispatches are run on random numbers and held to the references,
// on pipelines that are compiled anyway. Products have had a test before, in trial.ts, where a wrong variant can be replaced.
import { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import type { Dispatch } from "../gpu/plan";
import type { Shader } from "../gpu/shader";
import { gatedSiluReference } from "../kernels/gated_silu.reference";
import { rmsNormReference } from "../kernels/rms_norm.reference";
import { type SamplingParams, writeSampling } from "../kernels/sample";
import { sampleReference } from "../kernels/sample.reference";
import { EngineError } from "../protocol/errors";
import { inPrompt, inverseTemperature, penalised } from "../speculate/filters";
import type { Room } from "./meter";
import { areClose, type Checks, hasRow, mixerChecks } from "./mixer_checks";
import { Probe } from "./probe";
import { randomFloats } from "./random";
import { rowsAreIndependent } from "./row_independence";
import type { Runner } from "./runner";
import { productChecks, tableChecks } from "./weight_checks";
import { wrongResult } from "./wrong_result";

const POSITIONS = [5000, 3, 40, 511, 70_000, 0]; // of draws, which take other noise at each
const MANY = 2 ** 15; // tokens of a vocabulary; of more each kind of draw is made once, as the reference sorts them
const FILTERED: SamplingParams = {
  temperature: 0.8,
  topK: 50,
  topP: 0.2, // what is dropped wrongly, or not dropped, must be likely to show in a single draw
  minP: 0.01,
  repetitionPenalty: 1.25,
  presencePenalty: 0.5,
  frequencyPenalty: 0.375,
  seed: 0x5eedn,
};
const PLAIN = { topK: 0, topP: 1, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 } as const;
/** Each takes another way through the kernel: with thresholds to look for, with none, and without noise. */
const DRAWS = [FILTERED, { ...FILTERED, ...PLAIN, minP: 0.8 }, { ...FILTERED, ...PLAIN, temperature: 0 }] as const;

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
    const logits = randomFloats(vocabulary).map((x, token) => 3 * x + (token % 997) / 1e5); // few of them equal
    const counts = new Uint32Array(vocabulary).map((_, token) => (token % 3) + (token % 5 === 0 ? inPrompt : 0));
    const positions = vocabulary > MANY ? POSITIONS.slice(0, DRAWS.length) : POSITIONS;
    for (const [i, position] of positions.entries()) {
      const params = DRAWS[i % DRAWS.length] ?? FILTERED;
      probe.write("sampling", writeSampling(params));
      probe.write("logits", logits);
      probe.write("counts", counts);
      await probe.run(position);
      const own = logits.subarray(0, live);
      const factor = inverseTemperature(params.temperature) || 1;
      const scores = own.map((logit, token) => penalised(logit, counts[token] ?? 0, params) * factor);
      if (!areClose(await probe.floats("logits", live), scores)) return false; // a draw leaves them so
      const [token] = new Uint32Array(await probe.read("sampled", 4));
      if (token !== sampleReference(own, counts, params, position + 1)) return false;
    }
    return true;
  },
  ...mixerChecks,
  ...tableChecks,
  ...productChecks,
};

/** What the test of a loaded model found, where it found nothing that is wrong whatever norms are folded into. */
export interface Verdict {
  readonly exact: boolean; // a row's numbers have the same bits beside others, as speculation needs
  readonly fault: EngineError | null; // "wrong-result", of what would be another dispatch with norms apart
}

/**
 * All of it for a model that was loaded. Its buffers hold random numbers afterwards, caches and states among them. Throws EngineError
 * "wrong-result" with what is wrong and would be with norms apart too.
 */
export async function selfTest(gpu: Gpu, runner: Runner, room: Room): Promise<Verdict> {
  const { maxRows, maxHeadRows } = room;
  const dispatches = (rows: number, headRows: number) => {
    return runner.dispatches({ rows: Math.min(rows, maxRows), headRows: Math.min(headRows, maxHeadRows) }).map(({ dispatch }) => dispatch);
  };
  // Between them passes of one row, of a few and of many have every shader, and norms that one row leaves to its products.
  const passes = [dispatches(1, 1), dispatches(3, 3), dispatches(maxRows, maxHeadRows)];
  const isNormed = ({ shader, bindings }: Dispatch) => shader.name === "linear_row" && "input" in bindings;
  const those = (wanted: (dispatch: Dispatch) => boolean) => passes.map((pass) => pass.filter(wanted));
  await expectKernels(
    gpu,
    those((dispatch) => !isNormed(dispatch)),
  );
  try {
    await expectKernels(gpu, those(isNormed));
    // In software that takes as long as a reply's first words, and what it computes there is what the tests have seen.
    return { exact: gpu.software || (await rowsAreIndependent(runner, room)), fault: null };
  } catch (error) {
    if (error instanceof EngineError && error.code === "wrong-result") return { exact: false, fault: error };
    throw error;
  }
}

/**
 * Runs each shader that has a check once on random numbers, the first time that it is among the passes' dispatches. Throws EngineError
 * "wrong-result" with the kernel's name and the step's.
 */
export async function expectKernels(gpu: Gpu, passes: readonly (readonly Dispatch[])[]): Promise<void> {
  const memory = new Memory(gpu.device);
  const tested = new Set<Shader>();
  try {
    for (const [first, ...others] of passes.flatMap(callsOf)) {
      const check = checks[first.shader.name];
      const call = [first, ...others];
      if (!check || call.every(({ shader }) => tested.has(shader))) continue;
      if (!(await check(new Probe(gpu, memory, call)))) throw wrongResult(`${first.shader.name}, ${first.label}`);
      for (const { shader } of call) tested.add(shader);
    }
  } finally {
    memory.dispose();
  }
}

/** What each call of a front door dispatches in a pass. */
function callsOf(dispatches: readonly Dispatch[]): readonly (readonly [Dispatch, ...Dispatch[]])[] {
  const calls = new Map<string, [Dispatch, ...Dispatch[]]>();
  for (const dispatch of dispatches) {
    const key = `${dispatch.shader.name} ${dispatch.label}`;
    const call = calls.get(key);
    if (call) call.push(dispatch);
    else calls.set(key, [dispatch]);
  }
  return [...calls.values()];
}
