// The promise at length, on trained models: whoever drafts, however much and by whatever rules tokens are drawn, the reply is the one that plain
// decoding gives. `PROOF_TIMES=10 npx vitest run tests/engine/proof.test.ts` goes through 2,080 combinations in place of 208.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { DRAFT_CANDIDATES, DraftModel } from "../../src/engine/draft_model";
import { Engine } from "../../src/engine/engine";
import { type ModelShapeFile, randomCheckpoint } from "../../src/engine/random_checkpoint";
import { readReply } from "../../src/engine/read_reply";
import { openTables } from "../../src/engine/speculation";
import { vocabularyOf } from "../../src/engine/vocabulary";
import type { WeightPrecision } from "../../src/models/weights";
import { ContextDrafter } from "../../src/speculate/context_drafter";
import type { Drafter } from "../../src/speculate/drafter";
import type { Vocabulary } from "../../src/speculate/fingerprint";
import { NgramTable } from "../../src/speculate/ngram";
import { trainNgrams } from "../../src/speculate/ngram_training";
import { PersonalTable } from "../../src/speculate/personal";
import { Speculator } from "../../src/speculate/speculator";
import type { Tally } from "../../src/speculate/stats";
import { SuffixDrafter } from "../../src/speculate/suffix";
import { loadTokenizer } from "../../src/text/tokenizer";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";
import { useGpu } from "../setup/gpu";
import { fixture, greedy, reply } from "../setup/models";
import { unpacked } from "../setup/unpacked";
import { type Combination, combinationsOf, type DrafterKind, type Draw, drafterKinds, drawsOf, uncovered } from "../speculate/covering";
import { Oracle, Wrong } from "../speculate/drafters";

const bench = useGpu();

const CONTEXT = 64;
const LENGTH = 6; // tokens of a reply: the first is drawn plainly, and rounds give the rest
/** A large tree costs many times what a token does on a software adapter, so where few drafts are right the reply is shorter. */
const lengthFor = ({ drafter, drafts }: Combination) => {
  if (drafter === "oracle") return LENGTH;
  return drafter === "wrong" ? 4 : LENGTH - Math.floor(drafts / 15);
};

/** Prompts in which much comes twice, so that what came before is a reason to guess. */
const prompts: Readonly<Record<"demo" | "stories260k", readonly string[]>> = {
  demo: [
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "A fox lived beside a fox who lived beside a fox who",
    "What is a token? A token is a word. What is a token? A token is",
  ],
  stories260k: [
    "Once upon a time, there was a little girl. Once upon a time",
    "Lily had a red ball. Lily had a",
    "One day, she went to the park. One day",
  ],
};

interface Files {
  readonly checkpoint: Checkpoint;
  readonly prompts: readonly (readonly number[])[];
  readonly vocabulary: Vocabulary;
  readonly ngrams: NgramTable;
  readonly drafting: Readonly<Record<"draft" | "stranger", Engine>>;
}

/** A model without attention, which says nothing of sense in the vocabulary of another. */
const strange = (vocabulary: number): ModelShapeFile => ({
  config: {
    model_type: "lfm2",
    vocab_size: vocabulary,
    hidden_size: 32,
    intermediate_size: 64,
    block_auto_adjust_ff_dim: false,
    num_hidden_layers: 1,
    layer_types: ["conv"],
    num_attention_heads: 1,
    max_position_embeddings: CONTEXT,
  },
  others: {
    "model.layers.*.operator_norm.weight": [32],
    "model.layers.*.ffn_norm.weight": [32],
    "model.layers.*.conv.conv.weight": [32, 1, 3],
    "model.embedding_norm.weight": [32],
  },
});

/** The same files for both of a model's precisions. */
const opened = new Map<keyof typeof prompts, Promise<Files>>();
function filesOf(model: keyof typeof prompts): Promise<Files> {
  const files = opened.get(model) ?? openFiles(model);
  opened.set(model, files);
  return files;
}

async function openFiles(model: keyof typeof prompts): Promise<Files> {
  const folder = model === "demo" ? join(import.meta.dirname, "../../public/models/gyre-demo") : fixture(model);
  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const tokenizer = await loadTokenizer(checkpoint.source);
  const vocabulary = await vocabularyOf(checkpoint.source, tokenizer);
  const { ngrams } = await openTables(checkpoint.source, tokenizer);
  const drafter = (from: Checkpoint, precision: WeightPrecision) =>
    Engine.load(bench.gpu, from, { precision, maxRows: 16, maxHeadRows: 1, contextLength: CONTEXT, candidates: DRAFT_CANDIDATES });
  return {
    checkpoint,
    prompts: prompts[model].map((text) => tokenizer.encode(text, { special: model !== "demo" })),
    vocabulary,
    ngrams: ngrams ?? new NgramTable(trainNgrams(goldenTexts(folder), vocabulary), vocabulary),
    drafting: {
      draft: await drafter(checkpoint, model === "demo" ? "w8a8" : "w4a8"),
      stranger: await drafter(randomCheckpoint("stranger", strange(vocabulary.size)), "w8a8"),
    },
  };
}

function goldenTexts(folder: string): number[][] {
  const { cases } = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as {
    cases: readonly { readonly prompt_tokens: readonly number[]; readonly greedy_tokens: readonly number[] }[];
  };
  return cases.map(({ prompt_tokens, greedy_tokens }) => [...prompt_tokens, ...greedy_tokens]);
}

interface Plain {
  readonly draw: Draw;
  readonly text: readonly number[]; // with the prompt
}

function speculatorOf({ draw, drafter: kind, drafts }: Combination, plain: readonly Plain[], files: Files): Speculator {
  const { vocabulary, ngrams, drafting } = files;
  const text = plain.find((each) => each.draw === draw)!.text;
  const personal = new PersonalTable(vocabulary);
  for (const other of plain) if (other.draw !== draw) personal.learn(other.text, other.text.length - LENGTH);
  const make = (drafters: readonly Drafter[], ahead?: DraftModel) =>
    new Speculator(drafters, { fixedDrafts: drafts, ...(ahead && { ahead }) });
  const byText = [new SuffixDrafter(), new ContextDrafter("ngram", ngrams), new ContextDrafter("personal", personal)] as const;
  switch (kind) {
    case "suffix":
      return make([byText[0]]);
    case "ngram":
      return make([byText[1]]);
    case "personal":
      return make([byText[2]]);
    case "draft":
    case "stranger":
      return make([], new DraftModel(drafting[kind]));
    case "together":
      return make(byText, new DraftModel(drafting.draft));
    case "wrong":
      return make([new Wrong(text, vocabulary.size)]);
    case "oracle":
      return make([new Oracle(text)]);
    default:
      return kind satisfies never;
  }
}

const times = Number(process.env["PROOF_TIMES"] ?? 1);
/** The small model is the quicker one, so it goes through more. */
const subjects = [
  { model: "demo", precision: "w8a8", first: 0, count: 2 * times },
  { model: "demo", precision: "full", first: 2 * times, count: times },
  { model: "stories260k", precision: "w8a8", first: 3 * times, count: 12 * times },
  { model: "stories260k", precision: "full", first: 15 * times, count: 11 * times },
] as const;

const done: Combination[] = [];
const counted = { tokens: 0, passes: 0 };
const drafted = Object.fromEntries(drafterKinds.map((kind) => [kind, { proposed: 0, accepted: 0 }])) as Record<DrafterKind, Tally>;

test.each(subjects)("$model in $precision: the reply with speculation is the reply without", { timeout: 240_000 * times }, (subject) =>
  bench.run(async () => {
    const { model, precision, first, count } = subject;
    const files = await filesOf(model);
    const { checkpoint } = files;
    const weights = precision === "full" && checkpoint.packed ? await unpacked(checkpoint) : checkpoint;
    const engine = await Engine.load(bench.gpu, weights, { precision, maxRows: 16, contextLength: CONTEXT });
    const plain: Plain[] = [];
    for (const draw of drawsOf(first, count, files.prompts.length)) {
      engine.reset();
      const prompt = files.prompts[draw.prompt]!;
      const { tokens } = await reply(engine, prompt, { sampling: draw.sampling, maxTokens: LENGTH });
      plain.push({ draw, text: [...prompt, ...tokens] });
    }
    // By prompt, so that the caches hold it; what a reply leaves in them is where the next one begins.
    for (const [index, prompt] of files.prompts.entries()) {
      if (prompt.length > 1) await reply(engine, prompt.slice(0, -1), { maxTokens: 1 });
      for (const combination of combinationsOf(plain.map((each) => each.draw))) {
        const { draw, drafter, drafts } = combination;
        if (draw.prompt !== index) continue;
        const expected = plain.find((each) => each.draw === draw)!;
        const speculator = speculatorOf(combination, plain, files);
        const maxTokens = lengthFor(combination);
        const { tokens, summary } = await reply(engine, prompt, { sampling: draw.sampling, maxTokens, speculator });
        const name = `${drafter}, ${drafts} drafts, prompt ${index}, temperature ${draw.sampling.temperature}, seed ${draw.sampling.seed}`;
        expect(tokens, name).toEqual(expected.text.slice(prompt.length, prompt.length + maxTokens));
        const { proposed, accepted } = speculator.stats;
        if (drafter === "oracle") expect(accepted, name).toBe(proposed);
        if (drafter === "wrong") expect(accepted, name).toBe(0);
        if (drafter === "oracle" || drafter === "wrong") expect(proposed, name).toBeGreaterThan(0);
        done.push(combination);
        drafted[drafter].proposed += proposed;
        drafted[drafter].accepted += accepted;
        counted.tokens += tokens.length;
        counted.passes += summary?.passes ?? 0;
      }
    }
    engine.dispose();
  }),
);

test("a stop string in the middle of a round cuts the reply before it, and what follows is as after plain decoding", () =>
  bench.run(async () => {
    const { checkpoint, prompts: all } = await filesOf("stories260k");
    const [prompt = []] = all;
    const tokenizer = await loadTokenizer(checkpoint.source);
    const engine = await Engine.load(bench.gpu, checkpoint, { precision: "w8a8", maxRows: 16, contextLength: CONTEXT });
    const { tokens } = await reply(engine, prompt, { maxTokens: 9 });
    const whole = (count: number) => tokenizer.decode([...prompt, ...tokens.slice(0, count)], { skipSpecial: true });
    const textOf = (count: number) => whole(count).slice(whole(0).length);
    const stop = textOf(5).slice(textOf(4).length); // what the fifth token says
    const speculator = new Speculator([new Oracle([...prompt, ...tokens])], { fixedDrafts: 8 });
    const request = { tokens: prompt, sampling: greedy, maxTokens: 9, endTokens: new Set<number>(), speculator };
    const reading = readReply(engine, request, { tokenizer, context: prompt, stops: [stop] });
    let text = "";
    let step = await reading.next();
    for (; !step.done; step = await reading.next()) text += step.value.text;
    const cut = textOf(9).indexOf(stop);
    expect(text).toBe(textOf(9).slice(0, cut));
    expect(step.value).toMatchObject({ reason: "stop", passes: 2 });
    const kept = step.value.tokens;
    expect(kept).toEqual(tokens.slice(0, kept.length));
    expect([2, 3, 4, 5]).toContain(kept.length); // of the nine that the round gave
    const next = [...prompt, ...kept, ...prompt.slice(0, 3)];
    const after = await reply(engine, next, { maxTokens: 4 });
    expect(after.summary?.cachedTokens).toBeGreaterThanOrEqual(prompt.length + kept.length - 1);
    engine.reset();
    expect(after.tokens).toEqual((await reply(engine, next, { maxTokens: 4 })).tokens);
    engine.dispose();
  }));

test("that was at least 200 combinations, in which each drafter met each value of every factor, and drafts were right and wrong", async ({
  annotate,
}) => {
  const right = drafterKinds.map((kind) => `${kind} ${drafted[kind].accepted} of ${drafted[kind].proposed}`).join(", ");
  await annotate(`${done.length} combinations: ${counted.tokens} tokens in ${counted.passes} passes; drafts that were right: ${right}`);
  expect(done.length).toBeGreaterThanOrEqual(200);
  expect(uncovered(done, 3)).toEqual([]);
  const { stranger, draft } = drafted;
  for (const kind of ["suffix", "ngram", "personal", "draft", "together"] as const) {
    const { proposed, accepted } = drafted[kind];
    expect(accepted, kind).toBeGreaterThan(10);
    expect(proposed - accepted, kind).toBeGreaterThan(10);
  }
  expect(stranger.proposed).toBeGreaterThan(50);
  expect(stranger.accepted).toBeLessThan(stranger.proposed / 4);
  expect(draft.accepted / draft.proposed).toBeGreaterThan((4 * stranger.accepted) / stranger.proposed);
});
