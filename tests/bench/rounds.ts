// Rounds of speculation over recorded replies, with the engine's own speculator and no GPU: what the model draws behind a draft that was right
// stands in the recording, and behind a wrong one nobody asks.
import { walk } from "../../src/speculate/accept";
import type { Candidate, Drafter } from "../../src/speculate/drafter";
import { type Draws, inPrompt } from "../../src/speculate/filters";
import { Speculator } from "../../src/speculate/speculator";
import { growTree, type TokenTree } from "../../src/speculate/tree";
import { draftersOf } from "./couplings";
import type { Recording, Subject } from "./recording";

const DRAFTS = [3, 7, 15]; // a round

export interface Rounds {
  readonly tokensAPass: number; // behind each reply's first token
  readonly proposed: number;
  readonly accepted: number;
}

export interface Shapes {
  readonly temperature: number;
  readonly drafter: string;
  readonly drafts: number; // a round, at most
  readonly chain: Rounds;
  readonly tree: Rounds;
}

/** Chains and trees by each drafter alone and by all together, with shared noise. */
export async function roundsOf(subject: Subject, recordings: readonly Recording[]): Promise<readonly Shapes[]> {
  const temperatures = [...new Set(recordings.map(({ sampling }) => sampling.temperature))];
  const names = draftersOf(subject).map(({ name }) => name);
  const groups = [...names.map((name) => [name]), ...(names.length > 1 ? [names] : [])];
  const shapes: Shapes[] = [];
  for (const temperature of temperatures) {
    const replies = recordings.filter(({ sampling }) => sampling.temperature === temperature);
    for (const group of groups) {
      const drafters = () => draftersOf(subject).filter(({ name }) => group.includes(name));
      for (const drafts of DRAFTS) {
        shapes.push({
          temperature,
          drafter: group.length > 1 ? "together" : group[0]!,
          drafts,
          chain: await replay(replies, [new Chain(drafters())], drafts),
          tree: await replay(replies, drafters(), drafts),
        });
      }
    }
  }
  return shapes;
}

async function replay(replies: readonly Recording[], drafters: readonly Drafter[], fixedDrafts: number): Promise<Rounds> {
  const speculator = new Speculator(drafters, { fixedDrafts, now: () => 0 });
  let [tokens, passes, proposed, accepted] = [0, 0, 0, 0];
  for (const { prompt, sampling, tokens: reply } of replies) {
    speculator.begin(prompt, sampling);
    speculator.sawFirst(reply[0]!);
    for (let at = 1; at < reply.length; passes++) {
      const position = prompt.length + at - 1;
      const tree = await speculator.draft(reply[at - 1]!, { position, maxDepth: reply.length - at - 1, maxDrafts: fixedDrafts });
      if (tree) {
        const found = walk(tree, drawnAt(tree, reply.slice(at)));
        speculator.sawRound(tree, found);
        at += found.tokens.length;
      } else {
        speculator.sawPlain(reply[at]!, false);
        at += 1;
      }
    }
    tokens += reply.length - 1;
    proposed += speculator.stats.proposed;
    accepted += speculator.stats.accepted;
  }
  return { tokensAPass: tokens / passes, proposed, accepted };
}

/** What the model draws at each row of a tree whose root `next` follows; no token where it would have had to draw another before. */
function drawnAt({ tokens, parents }: TokenTree, next: readonly number[]): number[] {
  const depths: (number | null)[] = []; // null: off the reply
  return tokens.map((token, row) => {
    const above = row === 0 ? -1 : (depths[parents[row]!] ?? null);
    const depth = above === null || (row > 0 && next[above] !== token) ? null : above + 1;
    depths.push(depth);
    return depth === null ? -1 : (next[depth] ?? -1);
  });
}

/** Only what several drafters think the likeliest, and behind it the next likeliest: a tree without branches. */
class Chain implements Drafter {
  readonly name = "draft";
  readonly #drafters: readonly Drafter[];
  readonly #counts = new Map<number, number>();
  #length = 0; // of the text

  #draws: Draws | null = null;

  constructor(drafters: readonly Drafter[]) {
    this.#drafters = drafters;
  }

  reset(tokens: readonly number[], draws: Draws): void {
    this.#draws = draws;
    this.#length = tokens.length;
    this.#counts.clear();
    for (const token of tokens) this.#counts.set(token, inPrompt);
    for (const drafter of this.#drafters) drafter.reset(tokens, draws);
  }

  append(tokens: readonly number[]): void {
    this.#length += tokens.length;
    for (const token of tokens) this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1);
    for (const drafter of this.#drafters) drafter.append(tokens);
  }

  propose(path: readonly number[]): readonly Candidate[] {
    if (!this.#draws) return [];
    const behind = this.#drafters.map(
      (drafter): Drafter => ({ name: drafter.name, reset() {}, append() {}, propose: (more) => drafter.propose([...path, ...more]) }),
    );
    const [best] = growTree(behind, {
      position: this.#length - 1 + path.length,
      draws: this.#draws,
      countOf: (token) => (this.#counts.get(token) ?? 0) + path.filter((other) => other === token).length,
      maxDrafts: 1,
      maxDepth: 1,
      chanceOf: ({ rank, probability }) => (rank === 0 ? probability : 0),
    });
    return best ? [{ token: best.token, probability: best.sources[0]!.probability }] : [];
  }
}
