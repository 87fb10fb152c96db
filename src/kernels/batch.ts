// What changes from pass to pass, as shaders/lib/batch.wgsl lays it out.
import type { PassShape } from "../gpu/plan";

export const MAX_TREE_ROWS = 16;

export const BATCH_WORDS = 8 + 4 * MAX_TREE_ROWS;

/** Rows that are no sequence: row 0 is the root, the last token that is certain, and every other row may follow its parent. */
export interface Tree {
  readonly parents: readonly number[]; // the row of each row's parent, which lies before it; the root's is not read
}

export interface BatchPass extends PassShape {
  readonly position: number; // of the first row
  readonly tree?: Tree; // of as many rows as the pass
  readonly accepted?: readonly number[]; // if the last pass was a tree: its rows that were kept, one a depth, the root first
}

/** The uniform of a pass; `stateSlot` is the copy of the recurrent states that it reads. Throws where a tree or a path is none. */
export function batchWords(pass: BatchPass, stateSlot: number): Uint32Array<ArrayBuffer> {
  const { rows, position, headRows, tree, accepted = [] } = pass;
  const words = new Uint32Array(BATCH_WORDS);
  words.set([rows, position, headRows, stateSlot, Number(tree !== undefined), accepted.length]);
  expect(
    accepted.every((row, depth) => row < MAX_TREE_ROWS && (depth === 0 ? row === 0 : row > (accepted[depth - 1] ?? 0))),
    `rows ${accepted.join(", ")} are no path from a root`,
  );
  words.set(pathWords(accepted), 6);
  if (!tree) return words;

  const { parents } = tree;
  expect(parents.length === rows && rows <= MAX_TREE_ROWS, `a tree of ${parents.length} nodes in a pass of ${rows} rows`);
  treePaths(tree).forEach((path, row) => {
    words.set([...pathWords(path), path.length - 1], 8 + 4 * row);
  });
  return words;
}

/** The rows from the root down to each row, itself included. Throws where a row does not come behind its parent. */
export function treePaths({ parents }: Tree): number[][] {
  const paths: number[][] = [];
  parents.forEach((parent, row) => {
    const above = row === 0 ? [] : paths[parent];
    expect(above !== undefined, `row ${row} of a tree has the parent ${parent}`);
    paths.push([...(above ?? []), row]);
  });
  return paths;
}

/**
 * Where in a state behind a tree pass the values of the last `count` tokens lie, oldest first, once `accepted` is kept: entries below `count`
 * are from before the pass, the others the tree's rows.
 */
export function historyEntries(count: number, accepted: readonly number[]): number[] {
  const entries = [...Array.from({ length: count }, (_, age) => age), ...accepted.map((row) => count + row)];
  return entries.slice(accepted.length);
}

/** Four bits a depth, in two words. */
function pathWords(path: readonly number[]): [number, number] {
  const word = (rows: readonly number[]) => rows.reduce((bits, row, i) => bits + row * 16 ** i, 0);
  return [word(path.slice(0, 8)), word(path.slice(8))];
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(`A pass was asked for ${otherwise}.`);
}
