// How far a model's logits are from exact ones along a text.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readText } from "../../src/cli/corpus";
import { FolderSource } from "../../src/cli/folder_source";
import { Score } from "../../src/cli/score";
import { Engine } from "../../src/engine/engine";
import type { Gpu } from "../../src/gpu/device";
import type { WeightPrecision } from "../../src/models/weights";
import type { Checkpoint } from "../../src/weights/source";
import { fixture, logitsOf } from "./models";

const ROWS = 32; // a pass

export type Text = readonly number[]; // tokens

/** What stories260k itself wrote, greedily, to each of its golden prompts. */
export async function goldenTexts(): Promise<readonly Text[]> {
  const golden: unknown = JSON.parse(await readFile(join(fixture("stories260k"), "golden.json"), "utf8"));
  const { cases } = golden as { readonly cases: readonly { readonly prompt_tokens: number[]; readonly greedy_tokens: number[] }[] };
  return cases.map(({ prompt_tokens: prompt, greedy_tokens: reply }) => [...prompt, ...reply]);
}

/** The first tokens of the file that TEXT names, read by a folder's tokenizer; null where it names none. */
export async function givenText(folder: string, count: number): Promise<readonly Text[] | null> {
  const path = process.env["TEXT"];
  if (path === undefined) return null;
  const { begin, tokens } = await readText(path, new FolderSource(folder));
  return [[...begin, ...tokens].slice(0, count)];
}

/** A model's logits at every position of each text, one text behind the other: [tokens, vocabulary]. */
export async function logitsAlong(
  gpu: Gpu,
  checkpoint: Checkpoint,
  precision: WeightPrecision,
  texts: readonly Text[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const contextLength = Math.max(ROWS, ...texts.map(({ length }) => length));
  const engine = await Engine.load(gpu, checkpoint, { precision, contextLength, maxRows: ROWS, maxHeadRows: ROWS });
  const rows: Float32Array<ArrayBuffer>[] = [];
  for (const text of texts) {
    const all = await logitsOf(engine, text, ROWS);
    const vocabulary = all.length / text.length;
    for (let i = 0; i < text.length; i++) rows.push(all.slice(i * vocabulary, (i + 1) * vocabulary));
  }
  engine.dispose();
  return rows;
}

/** KL divergence from the exact logits, in nats a token, and the share of tokens where both put the same one first. */
export function compareLogits(tested: readonly Float32Array[], exact: readonly Float32Array[]) {
  const score = new Score();
  tested.forEach((row, i) => {
    score.add(row, 0, exact[i]!);
  });
  return { divergence: score.divergence / tested.length, agreement: score.agreements / tested.length };
}
