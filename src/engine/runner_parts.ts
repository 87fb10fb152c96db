// What a runner is made of: weights and buffers on the GPU, and the plans over them.
import type { Memory } from "../gpu/buffers";
import type { Gpu } from "../gpu/device";
import { workDone } from "../gpu/nudge";
import { Plan } from "../gpu/plan";
import { BATCH_WORDS } from "../kernels/batch";
import { type Choices, sampleSlice } from "../kernels/policy";
import { SAMPLING_BYTES, sample, sampleSlices } from "../kernels/sample";
import type { CacheType } from "../kernels/tensors";
import { Builder, type State } from "../models/builder";
import type { Model } from "../models/family";
import { WeightLoader, type WeightPrecision } from "../models/weights";
import type { Checkpoint } from "../weights/source";

/** Passes that a chain has at most. */
export const MOST_STEPS = 16;

export interface RunnerOptions {
  readonly precision: WeightPrecision;
  readonly choices?: Choices; // of variants; default: the usual ones
  readonly cacheType: CacheType;
  readonly context: number; // positions
  readonly maxRows: number;
  readonly maxHeadRows: number;
  readonly live: number; // tokens from here on are never drawn
  readonly candidates?: number; // drawn a row, the next best behind the best; with more than one, the runner also drafts; default 1
  readonly onWeights: (bytes: number) => void; // read so far from the checkpoint
  readonly onCompiled: (done: number, total: number) => void;
}

export interface Parts {
  readonly gpu: Gpu;
  readonly memory: Memory;
  readonly batch: GPUBuffer;
  readonly sampling: GPUBuffer;
  readonly tokens: GPUBuffer;
  readonly counts: GPUBuffer;
  readonly sampled: GPUBuffer; // [head rows, candidates]
  readonly chain: GPUBuffer | null; // batches of a chain of passes, for a runner that drafts
  readonly logits: GPUBuffer;
  readonly states: readonly State[];
  readonly keptStates: GPUBuffer; // room for the history of each state
  readonly forward: Plan;
  readonly commit: Plan; // moves a tree's kept keys and values
  readonly draw: Plan;
}

/** Loads weights, allocates every buffer, and compiles every pipeline. */
export async function loadParts(gpu: Gpu, memory: Memory, model: Model, checkpoint: Checkpoint, options: RunnerOptions): Promise<Parts> {
  const { device, pipelines } = gpu;
  const batch = memory.uniform("batch", BATCH_WORDS * 4);
  const sampling = memory.uniform("sampling", SAMPLING_BYTES);
  const tokens = memory.storage("tokens", "scratch", options.maxRows * 4);
  const { vocabularySize: vocabulary } = model.shape;
  const counts = memory.storage("counts", "scratch", vocabulary * 4);
  const { candidates = 1 } = options;
  const sampled = memory.storage("sampled", "scratch", options.maxHeadRows * candidates * 4);
  const chain = candidates > 1 ? memory.storage("batches of a chain", "scratch", MOST_STEPS * BATCH_WORDS * 4) : null;

  let bytes = 0;
  const settle = () => workDone(device);
  const weights = new WeightLoader(checkpoint, memory, options.precision, settle, (more) => {
    bytes += more;
    options.onWeights(bytes);
  });
  const { packedDot, software } = gpu;
  const traits = { packedDot, software, ...(options.choices && { choices: options.choices }) };
  const builder = new Builder({
    ...options,
    memory,
    device: traits,
    batch,
    tokens,
  });
  const { values: logits } = await model.build(builder, weights);
  await settle();

  const { live, maxHeadRows } = options;
  const slice = sampleSlice(vocabulary, gpu);
  const sliced = slice === null ? null : sampleSlices(memory, maxHeadRows, live, slice);
  const drawing = { batch, sampling, logits, vocabulary, live, counts, sampled, tokens, candidates, ...(sliced && { sliced }) };
  const drawSteps = sample("sample", drawing, gpu).map((dispatch) => [dispatch]);
  const [draw, commit, forward] = await Promise.all([
    Plan.compile(device, pipelines, drawSteps),
    Plan.compile(device, pipelines, builder.commits),
    Plan.compile(device, pipelines, builder.steps, options.onCompiled),
  ]);
  const { states } = builder;
  const history = states.reduce((sum, { historyBytes }) => sum + historyBytes, 0);
  const keptStates = memory.storage("kept states", "cache", history);
  const buffers = { batch, sampling, tokens, counts, sampled, chain, logits, keptStates };
  return { gpu, memory, ...buffers, states, forward, commit, draw };
}
