// A reply on a device of whose passes only the time is known, so that what speculation wins or loses can be seen without a GPU or a clock.
import { walk } from "../../src/speculate/accept";
import type { Candidate, Drafter } from "../../src/speculate/drafter";
import { Speculator, type SpeculatorOptions } from "../../src/speculate/speculator";
import { rules } from "./toy";

export interface Device {
  readonly passMs: (rows: number, pass: number) => number; // on the GPU; `pass` counts them
  readonly readMs: number; // until the host has what a pass drew, in which the GPU idles unless it was given the next one
  readonly draftMs: number; // of the host, for each time that drafts are asked for
}

/** A text of which a drafter knows what its maker lets it know; claims `claim` for its best guess. */
export class Liar implements Drafter {
  readonly name = "ngram";
  isInRound = false; // set by the simulation: a drafter that could know that could do the most harm
  onAsked: () => void = () => {}; // for the next tree
  readonly #text: readonly number[];
  readonly #claim: number;
  readonly #isRight: (position: number, depth: number, isInRound: boolean) => boolean;
  #length = 0;

  constructor(text: readonly number[], claim: number, isRight: (position: number, depth: number, isInRound: boolean) => boolean) {
    this.#text = text;
    this.#claim = claim;
    this.#isRight = isRight;
  }

  reset(tokens: readonly number[]): void {
    this.#length = tokens.length;
  }

  append(tokens: readonly number[]): void {
    this.#length += tokens.length;
  }

  propose(path: readonly number[]): readonly Candidate[] {
    if (path.length === 0) this.onAsked();
    const at = this.#length + path.length;
    const right = this.#text[at] ?? 0;
    return [{ token: this.#isRight(at, path.length, this.isInRound) ? right : right + 1, probability: this.#claim }];
  }
}

/** A conversation on such a device, as src/engine/decode.ts goes about its replies; without a liar they are decoded plainly. */
export class Conversation {
  readonly #device: Device;
  readonly #liar: Liar | null;
  readonly #speculator: Speculator | null;
  #now = 0; // of the host
  #gpuFree = 0;
  #passes = 0;

  constructor(device: Device, liar: Liar | null, options: SpeculatorOptions = {}) {
    this.#device = device;
    this.#liar = liar;
    this.#speculator = liar && new Speculator([liar], { ...options, now: () => this.#now });
    if (!liar) return;
    liar.onAsked = () => {
      this.#now += device.draftMs;
    };
  }

  /** How long the next reply takes, the text behind its first token, which is the prompt. */
  async replyMs(text: readonly number[]): Promise<number> {
    const start = this.#now;
    await this.#reply(text);
    return this.#now - start;
  }

  async #reply(text: readonly number[]): Promise<void> {
    const speculator = this.#speculator;
    const inRound = (is: boolean) => {
      if (this.#liar) this.#liar.isInRound = is;
    };
    speculator?.begin(text.slice(0, 1), { ...rules, temperature: 0 });
    let known = 1; // tokens
    let pending = this.#submit(1);
    let isPaced = false;
    const reach = (position: number) => ({ position, maxDepth: Math.min(15, text.length - known - 1), maxDrafts: 15 });
    let speculates = speculator?.pays(reach(0)) ?? false;
    for (;;) {
      const next: number | null = speculates || known + 1 === text.length ? null : this.#submit(1);
      this.#now = Math.max(this.#now, pending);
      const token = text[known]!;
      if (known === 1) speculator?.sawFirst(token);
      else speculator?.sawPlain(token, isPaced);
      isPaced = next !== null;
      known++;
      if (known === text.length) return;
      if (next !== null) {
        pending = next;
        inRound(false);
        speculates = speculator?.pays(reach(known)) ?? false;
        continue;
      }
      while (speculator && known < text.length) {
        inRound(true);
        const tree = await speculator.draft(text[known - 1]!, reach(known - 1));
        if (!tree) break;
        this.#now = this.#submit(tree.tokens.length);
        const depths: (number | null)[] = [];
        const drawn = tree.tokens.map((draft, row) => {
          const above = row === 0 ? -1 : (depths[tree.parents[row]!] ?? null);
          const depth: number | null = above === null || (row > 0 && text[known + above] !== draft) ? null : above + 1;
          depths.push(depth);
          return depth === null ? -1 : text[known + depth]!;
        });
        const found = walk(tree, drawn);
        speculator.sawRound(tree, found);
        known += found.tokens.length;
      }
      if (known === text.length) return;
      pending = this.#submit(1);
      speculates = false;
      isPaced = false;
    }
  }

  /** When the host has what the pass drew. */
  #submit(rows: number): number {
    this.#gpuFree = Math.max(this.#now, this.#gpuFree) + this.#device.passMs(rows, this.#passes++);
    return this.#gpuFree + this.#device.readMs;
  }
}

/** How long a conversation's only reply takes. */
export function replyMs(text: readonly number[], device: Device, liar: Liar | null, options: SpeculatorOptions = {}): Promise<number> {
  return new Conversation(device, liar, options).replyMs(text);
}
