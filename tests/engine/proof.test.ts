// The promise at length, on trained models: whoever drafts, however much and by whatever rules tokens are drawn, the reply is the one that plain
// decoding gives. `PROOF_TIMES=10 npx vitest run tests/engine/proof.test.ts` goes through 2,100 combinations in place of 210.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { Engine } from "../../src/engine/engine";
import { openTables } from "../../src/engine/speculation";
import { vocabularyOf } from "../../src/engine/vocabulary";
import { ContextDrafter } from "../../src/speculate/context_drafter";
import type { Drafter } from "../../src/speculate/drafter";
import type { Vocabulary } from "../../src/speculate/fingerprint";
import { NgramTable } from "../../src/speculate/ngram";
import { trainNgrams } from "../../src/speculate/ngram_training";
import { PersonalTable } from "../../src/speculate/personal";
import { Speculator } from "../../src/speculate/speculator";
import { SuffixDrafter } from "../../src/speculate/suffix";
import { loadTokenizer } from "../../src/text/tokenizer";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";
import { useGpu } from "../setup/gpu";
import { fixture, reply } from "../setup/models";
import { unpacked } from "../setup/unpacked";
import { type Combination, combinationsOf, type DrafterKind, type Draw, drawsOf, uncovered } from "../speculate/covering";
import { Oracle, Wrong } from "../speculate/drafters";

const bench = useGpu();

const LENGTH = 8; // tokens of a reply
/** A large tree costs many times what a token does on a software adapter, so where few drafts are right the reply is shorter. */
const lengthFor = ({ drafter, drafts }: Combination) =>
  drafter === "oracle" ? LENGTH : drafter === "wrong" ? 5 : LENGTH - Math.floor(drafts / 5);

const prompts: Readonly<Record<"demo" | "stories260k", readonly string[]>> = {
  demo: ["<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "A fox lived beside a fox who", "What is a token? A token is"],
  stories260k: ["Once upon a time", "Lily had a red ball. Lily had a", "One day"],
};

interface Files {
  readonly checkpoint: Checkpoint;
  readonly prompts: readonly (readonly number[])[];
  readonly vocabulary: Vocabulary;
  readonly ngrams: NgramTable;
}

async function openFiles(model: keyof typeof prompts): Promise<Files> {
  const folder = model === "demo" ? join(import.meta.dirname, "../../public/models/gyre-demo") : fixture(model);
  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const tokenizer = await loadTokenizer(checkpoint.source);
  const vocabulary = await vocabularyOf(checkpoint.source, tokenizer);
  const { ngrams } = await openTables(checkpoint.source, tokenizer);
  return {
    checkpoint,
    prompts: prompts[model].map((text) => tokenizer.encode(text, { special: model !== "demo" })),
    vocabulary,
    ngrams: ngrams ?? new NgramTable(trainNgrams(goldenTexts(folder), vocabulary), vocabulary),
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

function draftersOf(kind: DrafterKind, { draw, text }: Plain, { vocabulary, ngrams }: Files, others: readonly Plain[]): readonly Drafter[] {
  const personal = new PersonalTable(vocabulary);
  for (const other of others) if (other.draw !== draw) personal.learn(other.text, other.text.length - LENGTH);
  switch (kind) {
    case "suffix":
      return [new SuffixDrafter()];
    case "ngram":
      return [new ContextDrafter("ngram", ngrams)];
    case "personal":
      return [new ContextDrafter("personal", personal)];
    case "together":
      return [new SuffixDrafter(), new ContextDrafter("ngram", ngrams), new ContextDrafter("personal", personal)];
    case "wrong":
      return [new Wrong(text, vocabulary.size)];
    case "oracle":
      return [new Oracle(text)];
    default:
      return kind satisfies never;
  }
}

const times = Number(process.env["PROOF_TIMES"] ?? 1);
/** The small model is the quicker one, so it goes through more. */
const subjects = [
  { model: "demo", precision: "w8a8", first: 0, count: 3 * times },
  { model: "demo", precision: "full", first: 3 * times, count: times },
  { model: "stories260k", precision: "w8a8", first: 4 * times, count: 15 * times },
  { model: "stories260k", precision: "full", first: 19 * times, count: 16 * times },
] as const;

const done: Combination[] = [];
const counted = { proposed: 0, accepted: 0, tokens: 0, passes: 0 };

test.each(subjects)("$model in $precision: the reply with speculation is the reply without", { timeout: 240_000 * times }, (subject) =>
  bench.run(async () => {
    const { model, precision, first, count } = subject;
    const files = await openFiles(model);
    const { checkpoint } = files;
    const weights = precision === "full" && checkpoint.packed ? await unpacked(checkpoint) : checkpoint;
    const engine = await Engine.load(bench.gpu, weights, { precision, maxRows: 16, contextLength: 64 });
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
        const speculator = new Speculator(draftersOf(drafter, expected, files, plain), { fixedDrafts: drafts });
        const maxTokens = lengthFor(combination);
        const { tokens, summary } = await reply(engine, prompt, { sampling: draw.sampling, maxTokens, speculator });
        const name = `${drafter}, ${drafts} drafts, prompt ${index}, temperature ${draw.sampling.temperature}, seed ${draw.sampling.seed}`;
        expect(tokens, name).toEqual(expected.text.slice(prompt.length, prompt.length + maxTokens));
        const { proposed, accepted } = speculator.stats;
        if (drafter === "oracle") expect(accepted, name).toBe(proposed);
        if (drafter === "wrong") expect(accepted, name).toBe(0);
        if (drafter === "oracle" || drafter === "wrong") expect(proposed, name).toBeGreaterThan(0);
        done.push(combination);
        counted.proposed += proposed;
        counted.accepted += accepted;
        counted.tokens += tokens.length;
        counted.passes += summary?.passes ?? 0;
      }
    }
    engine.dispose();
  }),
);

test("that was at least 200 combinations, in which each drafter met each value of every factor, and drafts were right and wrong", async ({
  annotate,
}) => {
  const { proposed, accepted, tokens, passes } = counted;
  await annotate(`${done.length} combinations: ${tokens} tokens in ${passes} passes, ${accepted} of ${proposed} drafts were right`);
  expect(done.length).toBeGreaterThanOrEqual(200);
  expect(uncovered(done, 3)).toEqual([]);
  expect(accepted).toBeGreaterThan(done.length);
  expect(proposed - accepted).toBeGreaterThan(done.length);
});
