// A tree of drafts: what may come next, and next after that. One pass of the model verifies all of it, so it should hold the drafts that are
// likeliest to be reached, whoever proposed them.
import type { Candidate, Drafter } from "./drafter";
import type { Source } from "./estimate";
import { type Draws, drawScores, penalised } from "./filters";
import { noise } from "./gumbel";

const CHILDREN = 4; // of one node, by one drafter

/** A draft while the tree grows. */
export interface Draft {
  readonly token: number;
  readonly parent: number; // in the order of growth; 0 is the root
  readonly depth: number; // the root's children have 1
  readonly sources: readonly Source[]; // whoever proposed it, the most trusted first
  readonly reach: number; // how likely it is that the walk comes here
}

/** Rows of a pass in depth-first order; row 0 is the root, the last token that is certain. At most 16. */
export interface TokenTree {
  readonly tokens: readonly number[];
  readonly parents: readonly number[]; // rows; the root's is 0
  readonly sources: readonly (readonly Source[])[]; // the root has none
}

export interface Growing {
  readonly position: number; // of the root
  readonly draws: Draws;
  readonly countOf: (token: number) => number; // in prompt and reply so far, as penalties count (see filters.ts)
  readonly maxDrafts: number;
  readonly maxDepth: number;
  readonly chanceOf: (source: Source) => number;
}

/**
 * Drafts in the order of falling reach, so that the first n, for any n, are the best tree of n drafts, and a parent comes before its
 * children. The children of a node are the drafters' next best by log q + g, with the noise, filters and penalties of the model's own draw;
 * at temperature 0 there is no noise on either side.
 */
export function growTree(drafters: readonly Drafter[], growing: Growing): readonly Draft[] {
  const grown: Draft[] = [];
  const waiting: Draft[] = [];
  const paths: (readonly number[])[] = [[]]; // tokens below the root, by order of growth
  const branch = (node: number, depth: number, reach: number) => {
    if (depth <= growing.maxDepth) waiting.push(...childrenOf(drafters, paths[node] ?? [], { node, depth, reach }, growing));
  };
  if (growing.maxDrafts > 0) branch(0, 1, 1);
  while (grown.length < growing.maxDrafts) {
    const next = waiting.reduce<Draft | undefined>((best, draft) => (best && best.reach >= draft.reach ? best : draft), undefined);
    if (!next) break;
    waiting.splice(waiting.indexOf(next), 1);
    grown.push(next);
    paths.push([...(paths[next.parent] ?? []), next.token]);
    branch(grown.length, next.depth + 1, next.reach);
  }
  return grown;
}

function childrenOf(
  drafters: readonly Drafter[],
  path: readonly number[],
  { node, depth, reach }: { readonly node: number; readonly depth: number; readonly reach: number },
  growing: Growing,
): Draft[] {
  const { position, chanceOf } = growing;
  const children = new Map<number, Source[]>();
  for (const drafter of drafters) {
    const candidates = drafter.propose(path);
    const ranked = drafter.isRanked ? candidates : byDraw(candidates, path, position + depth, growing);
    for (const [rank, { token, probability }] of ranked.slice(0, CHILDREN).entries()) {
      const sources = children.get(token) ?? [];
      sources.push({ drafter: drafter.name, rank, probability });
      children.set(token, sources);
    }
  }
  return Array.from(children, ([token, sources]) => {
    sources.sort((a, b) => chanceOf(b) - chanceOf(a));
    const chance = Math.max(...sources.map(chanceOf));
    return { token, parent: node, depth, sources, reach: reach * chance };
  });
}

/** Those that the filters keep, by log q + g at this position, the best first. */
function byDraw(candidates: readonly Candidate[], path: readonly number[], position: number, { draws, countOf }: Growing): Candidate[] {
  if (candidates.length === 0) return [];
  const logits = Float32Array.from(candidates, ({ token, probability }) => {
    const onPath = path.reduce((count, other) => count + Number(other === token), 0);
    return penalised(Math.log(probability), countOf(token) + onPath, draws);
  });
  const scores = drawScores(logits, draws, (index) => noise(draws.seed, position, candidates[index]?.token ?? 0));
  return candidates
    .map((candidate, i) => ({ candidate, score: scores[i] ?? Number.NEGATIVE_INFINITY }))
    .filter(({ score }) => score > Number.NEGATIVE_INFINITY)
    .sort((a, b) => b.score - a.score || a.candidate.token - b.candidate.token)
    .map(({ candidate }) => candidate);
}

/** The root and these drafts as rows of a pass. `drafts` begin as growTree gives them. */
export function treeOf(root: number, drafts: readonly Draft[]): TokenTree {
  const tokens: number[] = [];
  const parents: number[] = [];
  const sources: (readonly Source[])[] = [];
  const visit = (node: number, parentRow: number) => {
    const row = tokens.length;
    const draft = drafts[node - 1];
    tokens.push(draft?.token ?? root);
    parents.push(parentRow);
    sources.push(draft?.sources ?? []);
    for (const [i, { parent }] of drafts.entries()) if (parent === node) visit(i + 1, row);
  };
  visit(0, 0);
  return { tokens, parents, sources };
}
