// How often a draft is accepted, and how many tokens a pass then gives: independent draws, rejection sampling and shared noise.
//
//   npm run bench -- acceptance
//   TARGET=target.safetensors DRAFTER=drafter.safetensors npm run bench -- acceptance
//
// The files are what `gyre logits` writes of one sequence of tokens with the one model and the other. Without them, random logits stand in.
import { writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { drawScores, type Filters, filteredDistribution } from "../../src/speculate/filters";
import { noise } from "../../src/speculate/gumbel";
import { readHeader } from "../../src/weights/safetensors";
import { gumbelAcceptance, independentAcceptance, rejectionAcceptance } from "../speculate/acceptance";
import { type AcceptanceRow, acceptanceSvg } from "./acceptance_svg";

const TEMPERATURES = [0.1, 0.7, 1];
const CHAIN = 4; // drafts a pass
const SEEDS = 8; // each goes over the whole record
const OUT = "tests/bench/acceptance.svg";

interface Pair {
  readonly target: Float32Array;
  readonly drafter: Float32Array;
}

/** The rows of two files of logits. */
async function recorded(targetFile: string, drafterFile: string): Promise<readonly Pair[]> {
  const [target, drafter] = await Promise.all([rowsOf(targetFile), rowsOf(drafterFile)]);
  expect(drafter.length, "both files are of one sequence").toBe(target.length);
  return target.map((row, i) => {
    const other = drafter[i]!;
    expect(other.length, "both models have one vocabulary").toBe(row.length);
    return { target: row, drafter: other };
  });
}

async function rowsOf(path: string): Promise<readonly Float32Array[]> {
  const source = new FolderSource(dirname(path));
  const { tensors } = await readHeader(source, basename(path));
  const { shape, begin, end } = tensors.get("logits")!;
  const all = new Float32Array((await source.read(basename(path), begin, end)).buffer);
  const [rows = 0, vocabulary = 0] = shape;
  return Array.from({ length: rows }, (_, i) => all.subarray(i * vocabulary, (i + 1) * vocabulary));
}

/** Random logits as spread as a language model's, and a drafter's that are off by 0.7 in the root mean square. */
function toy(rows: number, vocabulary: number): readonly Pair[] {
  const random = uniforms(1);
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: rows }, () => {
    const target = Float32Array.from({ length: vocabulary }, () => 2.5 * normal());
    return { target, drafter: target.map((logit) => logit + 0.7 * normal()) };
  });
}

function uniforms(state: number): () => number {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** One draw from probabilities by a uniform number. */
function pick(probabilities: ArrayLike<number>, uniform: number): number {
  let left = uniform;
  for (let i = 0; i < probabilities.length; i++) if ((left -= probabilities[i]!) <= 0) return i;
  return probabilities.length - 1;
}

function drawWithNoise(logits: Float32Array, filters: Filters, noises: Float32Array): number {
  const scores = drawScores(logits, filters, (token) => noises[token]!);
  return scores.indexOf(scores.reduce((most, score) => Math.max(most, score)));
}

/** By walking through whether each draft in turn was accepted, in chains. */
function tokensAPass(accepted: readonly boolean[]): number {
  let passes = 0;
  for (let at = 0; at < accepted.length; passes++) {
    let drafts = 0;
    while (drafts < CHAIN && accepted[at + drafts]) drafts += 1;
    at += drafts + 1; // the target's own token ends the pass
  }
  return accepted.length / passes;
}

function rowOf(temperature: number, way: string, exact: readonly number[], accepted: readonly boolean[]): AcceptanceRow {
  const mean = exact.reduce((sum, each) => sum + each, 0) / exact.length;
  return {
    temperature,
    way,
    exact: mean,
    measured: accepted.filter(Boolean).length / accepted.length,
    tokensAPass: tokensAPass(accepted),
  };
}

test("acceptance", async () => {
  const { TARGET, DRAFTER } = process.env;
  const pairs = TARGET && DRAFTER ? await recorded(TARGET, DRAFTER) : toy(200, 512);
  const title = TARGET && DRAFTER ? `${basename(TARGET)} drafted by ${basename(DRAFTER)}` : "Random logits, the drafter's off by 0.7";
  const rows = TEMPERATURES.flatMap((temperature) => {
    const filters: Filters = { temperature, topK: 0, topP: 1, minP: 0 };
    const distributions = pairs.map(
      ({ target, drafter }) => [filteredDistribution(target, filters), filteredDistribution(drafter, filters)] as const,
    );
    const random = uniforms(2);
    const [independent, rejection, shared]: [boolean[], boolean[], boolean[]] = [[], [], []];
    for (let seed = 0; seed < SEEDS; seed++) {
      for (const [position, { target, drafter }] of pairs.entries()) {
        const [p, q] = distributions[position]!;
        independent.push(pick(p, random()) === pick(q, random()));
        const draft = pick(q, random());
        rejection.push(random() * q[draft]! < p[draft]!);
        const noises = Float32Array.from(target, (_, token) => noise(BigInt(seed), position, token));
        shared.push(drawWithNoise(target, filters, noises) === drawWithNoise(drafter, filters, noises));
      }
    }
    return [
      rowOf(
        temperature,
        "independent draws",
        distributions.map(([p, q]) => independentAcceptance(p, q)),
        independent,
      ),
      rowOf(
        temperature,
        "rejection sampling",
        distributions.map(([p, q]) => rejectionAcceptance(p, q)),
        rejection,
      ),
      rowOf(
        temperature,
        "shared noise",
        distributions.map(([p, q]) => gumbelAcceptance(p, q)),
        shared,
      ),
    ];
  });
  const lines = rows.map(
    (row) => `| ${row.temperature} | ${row.way} | ${row.exact.toFixed(3)} | ${row.measured.toFixed(3)} | ${row.tokensAPass.toFixed(2)} |`,
  );
  console.log(
    [
      `${title}: ${pairs.length} positions, ${SEEDS} seeds, ${CHAIN} drafts a pass`,
      "",
      "| temperature | way | acceptance in closed form | measured | tokens a pass |",
      "|---|---|---|---|---|",
      ...lines,
    ].join("\n"),
  );
  await writeFile(OUT, acceptanceSvg(title, rows));
});
