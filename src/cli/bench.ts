import { writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Engine, EngineOptions } from "../engine/engine";
import type { Meter } from "../engine/meter";
import { operationsOf } from "../engine/operations";
import { randomCheckpoint } from "../engine/random_checkpoint";
import type { Gpu } from "../gpu/device";
import { Profiler } from "../gpu/profile";
import { type Budget, copyBandwidth } from "../gpu/timing";
import { loadTokenizer } from "../text/tokenizer";
import { openCheckpoint } from "../weights/checkpoint";
import type { Checkpoint } from "../weights/source";
import type { BenchReport, KernelTable, PrefillFigure } from "./bench_report";
import { measureSpeculation } from "./bench_speculation";
import { rooflineSvg } from "./bench_svg";
import { describeReport } from "./bench_table";
import { defineCommand } from "./command";
import { openDraft, withDraftModel } from "./draft_model";
import { measureEnergy } from "./energy";
import { FolderSource } from "./folder_source";
import { withEngine, withGpu } from "./open_engine";
import { bad, countOption, precisionOption, type Values } from "./options";
import { SAMPLING_OPTIONS, samplingFrom } from "./sampling_options";
import { SHAPES, shapeNamed } from "./shapes";
import { NOT_EXACT, SPECULATE_HELP, speculateOption } from "./speculate_option";
import type { Terminal } from "./terminal";
import { openTunings } from "./tuning_file";

const PREFILLS = [128, 512, 2048];
const DEPTHS = [0, 2048, 8192];
const ROWS = [1, 2, 4, 8, 16];
const CONTEXT = 8192 + 128; // room for the deepest of them
const KERNEL_PASSES = 5; // that each kernel's time is the median of

interface Patience {
  readonly figure: Budget;
  readonly longest: number; // ms that a single sample may be expected to take
  readonly energyMs: number;
  readonly replyTokens: number; // of each reply that speculation is measured on
}
const THOROUGH: Patience = { figure: { ms: 3000, samples: 9 }, longest: 12_000, energyMs: 2000, replyTokens: 96 };
const QUICK: Patience = { figure: { ms: 700, samples: 3 }, longest: 2500, energyMs: 500, replyTokens: 24 };

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "the model's folder" },
  shape: { type: "string", value: "NAME", help: `in its place, random weights in the shape of ${Object.keys(SHAPES).join(", ")}` },
  layers: { type: "string", value: "N", help: "only the first N layers of the shape" },
  precision: { type: "string", value: "P", help: "full, w8a8 or w4a8 (default: what a package holds, else w8a8)" },
  tuning: {
    type: "string",
    value: "FILE",
    help: "measure which variants are fastest here, and keep that in this file (default: the usual ones)",
  },
  context: { type: "string", value: "N", help: `tokens that there is room for (default: the model's, at most ${CONTEXT})` },
  speculate: { type: "string", value: "S", help: `also compare plain decoding with this, over a few replies: ${SPECULATE_HELP}` },
  temperature: { type: "string", value: "T", help: "of these replies (default: the model's own)" },
  seed: SAMPLING_OPTIONS.seed,
  quick: { type: "boolean", help: "fewer samples, and no times of single kernels" },
  json: { type: "boolean", help: "print one JSON object in place of a table" },
  svg: {
    type: "string",
    value: "FILE",
    help: "also draw a roofline: how fast passes of more and more rows compute, under what bandwidth allows",
  },
} as const;

export const bench = defineCommand({
  name: "bench",
  summary: "Measures how fast a model runs on this machine.",
  usage: "(--model DIR | --shape NAME) [options]",
  notes:
    "Figures are medians. Prefill is from an empty cache to a prompt's first token, in passes as a chat has them: so short that no screen\n" +
    "freezes. Where the largest that there is room for are larger, a row says what those reach. Decode is plain, at depth 0 or behind so many\n" +
    "tokens. A pass of several rows draws a token at each, as checking a draft does; c is what it costs in passes of one row. GB/s are of the\n" +
    "bytes that a token has to read at least: weights once, keys and values up to its depth. GPU times of kernels are each kernel's by itself,\n" +
    "so they add up to more than a token takes. A figure that would take too long, or needs more context, is left out with the reason.",
  options: OPTIONS,
  run: runBench,
});

async function runBench(values: Values<typeof OPTIONS>, terminal: Terminal): Promise<void> {
  const precision = precisionOption(values.precision);
  const [name, checkpoint] = await openModel(values, precision);
  const patience = values.quick === true ? QUICK : THOROUGH;
  const { max_position_embeddings: positions } = checkpoint.config;
  const contextLength = countOption(values.context, "context") ?? Math.min(CONTEXT, typeof positions === "number" ? positions : 2048);
  const tunings = values.tuning === undefined ? null : await openTunings(values.tuning);
  const options = { contextLength, maxHeadRows: Math.max(...ROWS), ...(precision && { precision }), ...(tunings && { tunings }) };
  const choice = values.speculate === undefined ? null : speculateOption(values.speculate);
  if (choice && values.shape !== undefined)
    throw bad("--speculate is for a --model: what a shape says is nonsense, and nobody can guess it.");
  samplingFrom(values); // so that a mistake shows before a model is loaded

  const draft = await openDraft(choice?.draftModel, checkpoint);
  const tokenizer = choice && (await loadTokenizer(checkpoint.source)); // before minutes of measuring, too: there may be none

  const figures = await withGpu((gpu) =>
    withEngine(gpu, checkpoint, options, terminal, async (engine) => {
      const measured = await measure(engine, gpu, patience, terminal);
      if (!choice || !tokenizer) return { ...measured, speculation: { skipped: "no --speculate" } };
      if (!engine.exact) return { ...measured, speculation: { skipped: NOT_EXACT } };
      const ways = await withDraftModel(gpu, draft, engine, terminal, (draftModel) =>
        measureSpeculation(
          engine,
          checkpoint,
          { tokenizer, choice, draftModel, sampling: values, maxTokens: patience.replyTokens },
          terminal,
        ),
      );
      return { ...measured, speculation: { ways, skipped: null } };
    }),
  );
  const depths = kernelDepths(figures);
  const kernels = values.quick === true ? { skipped: "--quick" } : await measureKernels(checkpoint, options, depths, terminal);
  const report: BenchReport = {
    model: name,
    layers: Number(checkpoint.config["num_hidden_layers"]),
    hasRandomWeights: values.shape !== undefined,
    parameters: checkpoint.packed?.parameters ?? null,
    operations: operationsOf(checkpoint.config),
    ...figures,
    kernels,
  };
  if (values.svg !== undefined) await writeFile(values.svg, rooflineSvg(report));
  await terminal.out(values.json === true ? `${JSON.stringify(report)}\n` : describeReport(report));
}

async function openModel(
  { model, shape, layers }: Values<typeof OPTIONS>,
  precision: EngineOptions["precision"],
): Promise<[name: string, checkpoint: Checkpoint]> {
  if ((model === undefined) === (shape === undefined)) throw bad("Give either --model or --shape.");
  const count = countOption(layers, "layers");
  if (shape !== undefined) return [shape, randomCheckpoint(shape, shapeNamed(shape, count), precision === "w4a8" ? "w4a8" : "w8a8")];
  if (count !== undefined) throw bad("--layers is for a --shape.");
  const checkpoint = await openCheckpoint(new FolderSource(model ?? ""));
  return [checkpoint.packed?.name ?? basename(resolve(model ?? "")), checkpoint];
}

/** Everything but the kernels' times: on a device without timestamps, which may cost speed even while unused. */
async function measure(engine: Engine, gpu: Gpu, patience: Patience, terminal: Terminal) {
  const { contextLength } = engine;
  const meter = await engine.meter();
  const say = (what: string) => {
    terminal.signal.throwIfAborted();
    terminal.progress(`Measuring ${what}`);
  };
  say("the copy bandwidth");
  const bandwidth = await copyBandwidth(gpu.device, gpu.software ? 2 ** 26 : 2 ** 28, { ...patience.figure, ms: 1000 });
  const noRoom = `the context has room for ${contextLength} tokens`;

  const prefill: BenchReport["prefill"][number][] = [];
  const pace = engine.pace(); // one for all, as in a chat
  let msPerToken = 0;
  for (const tokens of PREFILLS) {
    say(`prefill, ${tokens} tokens`);
    const expected = tokens * msPerToken;
    const tooLong = tokens <= contextLength && expected > patience.longest;
    const paced = tooLong ? null : await meter.prefill(tokens, patience.figure, pace);
    if (paced) msPerToken = paced.ms / tokens;
    const skipped = tooLong ? `it would take about ${Math.round(expected / 1000)} s a sample` : noRoom;
    const isPaced = paced !== null && paced.passes > Math.ceil(tokens / engine.maxRows);
    const largest = isPaced ? await meter.prefill(tokens, patience.figure, engine.pace(Number.POSITIVE_INFINITY)) : null;
    const figure = paced && { ...prefillFigure(tokens, paced), largest: largest && prefillFigure(tokens, largest) };
    prefill.push({ tokens, ...(figure ? { ...figure, skipped: null } : { skipped }) });
  }

  const decode: BenchReport["decode"][number][] = [];
  for (const depth of DEPTHS) {
    say(`decode at ${depth}`);
    const timing = await meter.decode(depth, patience.figure);
    const { bytes } = meter.load(depth);
    const GBps = timing ? bytes / timing.ms / 1e6 : 0;
    const figure = timing && { ms: timing.ms, tokensPerSecond: 1000 / timing.ms, bytes, GBps, shareOfCopy: (GBps * 1e9) / bandwidth };
    decode.push({ depth, ...(figure ? { ...figure, skipped: null } : { skipped: noRoom }) });
  }

  const rowCosts: BenchReport["rowCosts"][number][] = [];
  let one = 0;
  for (const rows of ROWS) {
    say(`a pass of ${rows} rows`);
    const timing = await meter.verify(rows, 0, patience.figure);
    if (timing && rows === 1) one = timing.ms;
    rowCosts.push({ rows, ...(timing ? { ms: timing.ms, ratio: timing.ms / one, skipped: null } : { skipped: noRoom }) });
  }

  say("energy");
  const submits = await countSubmits(gpu, meter);
  return {
    adapter: gpu.name,
    software: gpu.software,
    precision: engine.precision,
    contextLength,
    choices: engine.tuning.choices,
    loadMs: engine.loadMs,
    memory: engine.memory,
    copyGBps: bandwidth / 1e9,
    prefill,
    decode,
    rowCosts,
    dispatchesPerToken: meter.load(0).dispatches,
    submitsPerToken: submits,
    energy: await energyOf(meter, patience.energyMs),
  };
}

function prefillFigure(tokens: number, { ms, passes }: { readonly ms: number; readonly passes: number }): PrefillFigure {
  return { ms, tokensPerSecond: (tokens * 1000) / ms, passes };
}

async function energyOf(meter: Meter, ms: number): Promise<BenchReport["energy"]> {
  let tokens = 0;
  const end = performance.now() + ms;
  const energy = await measureEnergy(async () => {
    while (performance.now() < end) tokens += await meter.decodeSome(0);
  });
  if (energy === null) return { skipped: "this machine has no counter that may be read" };
  return { joulesPerToken: energy.joules / tokens, counters: energy.counters, skipped: null };
}

/** Submits a token, counted as they happen. */
async function countSubmits({ device }: Gpu, meter: Meter): Promise<number> {
  const { queue } = device;
  const submit = queue.submit.bind(queue);
  let submits = 0;
  queue.submit = (buffers) => {
    submits++;
    submit(buffers);
  };
  try {
    const tokens = await meter.decodeSome(0);
    return submits / tokens;
  } finally {
    queue.submit = submit;
  }
}

/** Where kernels are timed: at the start, and at the deepest place that decoding was measured at and that has room for the passes of it. */
export function kernelDepths({ decode, contextLength }: Pick<BenchReport, "decode" | "contextLength">): readonly number[] {
  const deepest = decode.findLast(({ skipped, depth }) => skipped === null && depth + KERNEL_PASSES < contextLength);
  return [...new Set([0, deepest?.depth ?? 0])];
}

/** GPU times by kernel at each depth, on a device of its own that has timestamps. */
export async function measureKernels(
  checkpoint: Checkpoint,
  options: EngineOptions,
  depths: readonly number[],
  terminal: Terminal,
): Promise<BenchReport["kernels"]> {
  return withGpu(
    async (gpu): Promise<BenchReport["kernels"]> => {
      if (!gpu.timestamps) return { skipped: "this graphics processor has no timestamps" };
      return withEngine(gpu, checkpoint, options, terminal, async (engine) => {
        const profiler = new Profiler(gpu.device);
        const meter = await engine.meter();
        const at: KernelTable[] = [];
        for (const depth of depths) {
          terminal.signal.throwIfAborted();
          terminal.progress(`Measuring kernels at ${depth}`);
          const shares = await meter.kernels(depth, profiler, KERNEL_PASSES);
          at.push({ depth, list: shares.map((share) => ({ ...share, GBps: share.ms > 0 ? share.bytes / share.ms / 1e6 : 0 })) });
        }
        profiler.dispose();
        return { at, skipped: null };
      });
    },
    { profile: true },
  );
}
