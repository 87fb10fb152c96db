// Ways to draw and ways to draft, combined so that every value of every factor meets every drafter, and most pairs of values meet.
import type { Draws } from "../../src/speculate/filters";

const temperatures = [0, 0.1, 0.7, 1, 1.5];
const filters = [
  { topK: 0, topP: 1, minP: 0 },
  { topK: 20, topP: 1, minP: 0 },
  { topK: 0, topP: 0.9, minP: 0 },
  { topK: 50, topP: 0.95, minP: 0.02 },
];
const penalties = [
  { repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 },
  { repetitionPenalty: 1.3, presencePenalty: 0, frequencyPenalty: 0 },
  { repetitionPenalty: 1.1, presencePenalty: 0.5, frequencyPenalty: 0.25 },
];
const trees = [1, 3, 7, 2, 4, 15]; // drafts a round

/** "draft" is the model itself, as cheap as its files allow; "stranger" a model of another shape; "together" all that the app and the CLI have, in one tree. */
export const drafterKinds = ["suffix", "ngram", "personal", "draft", "stranger", "together", "wrong", "oracle"] as const;
export type DrafterKind = (typeof drafterKinds)[number];

/** What a plain reply depends on. */
export interface Draw {
  readonly prompt: number; // index
  readonly sampling: Draws;
}

export interface Combination {
  readonly draw: Draw;
  readonly drafter: DrafterKind;
  readonly drafts: number; // a round
}

/** From the `first` draw on; with 60 draws and three prompts, temperatures, filters and penalties meet in every way. */
export function drawsOf(first: number, count: number, prompts: number): Draw[] {
  return Array.from({ length: count }, (_, i) => {
    const n = first + i;
    const seed = BigInt.asUintN(64, BigInt(n + 1) * 0x9e3779b97f4a7c15n); // both of its words count
    return {
      prompt: n % prompts,
      sampling: { seed, temperature: at(temperatures, n), ...at(filters, n), ...at(penalties, n + Math.floor(n / 12)) },
    };
  });
}

/** Each draw by each drafter, with another size of tree each time. */
export function combinationsOf(draws: readonly Draw[]): Combination[] {
  return draws.flatMap((draw, i) => drafterKinds.map((drafter, j) => ({ draw, drafter, drafts: at(trees, i + Math.floor(i / 4) + j) })));
}

/** Values of each factor, and of the prompt, that no combination has with some drafter; empty where the design covers all. */
export function uncovered(combinations: readonly Combination[], prompts: number): string[] {
  const seen = new Set(
    combinations.flatMap(({ draw: { prompt, sampling }, drafter, drafts }) =>
      [`temperature ${sampling.temperature}`, filterName(sampling), penaltyName(sampling), `prompt ${prompt}`, `tree ${drafts}`].map(
        (value) => `${drafter}, ${value}`,
      ),
    ),
  );
  const values = [
    ...temperatures.map((temperature) => `temperature ${temperature}`),
    ...filters.map(filterName),
    ...penalties.map(penaltyName),
    ...Array.from({ length: prompts }, (_, prompt) => `prompt ${prompt}`),
    ...trees.map((drafts) => `tree ${drafts}`),
  ];
  return drafterKinds.flatMap((drafter) => values.map((value) => `${drafter}, ${value}`)).filter((pair) => !seen.has(pair));
}

function filterName({ topK, topP, minP }: Pick<Draws, "topK" | "topP" | "minP">): string {
  return `top-k ${topK} top-p ${topP} min-p ${minP}`;
}

function penaltyName({ repetitionPenalty, presencePenalty, frequencyPenalty }: (typeof penalties)[number]): string {
  return `penalties ${repetitionPenalty} ${presencePenalty} ${frequencyPenalty}`;
}

function at<T>(values: readonly T[], index: number): T {
  return values[index % values.length]!;
}
