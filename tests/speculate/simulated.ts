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

/** Whether a drafter is right about the token at this position, so deep in a tree; null: it says nothing. */
export type IsRight = (position: number, depth: number, isInRound: boolean) => boolean | null;

/** The same device, but that it stands still once for `pauseMs`, where a pass of so many rows follows one of so many. */
export class Pausing implements Device {
  readonly readMs: number;
  readonly draftMs: number;
  readonly passMs: Device["passMs"];
  pauseMs = 0; // until it did

  constructor(device: Device, isThen: (rows: number, before: number) => boolean) {
    this.readMs = device.readMs;
    this.draftMs = device.draftMs;
    let before = 1;
    this.passMs = (rows, pass) => {
      const pauseMs = isThen(rows, before) ? this.pauseMs : 0;
      this.pauseMs -= pauseMs;
      before = rows;
      return device.passMs(rows, pass) + pauseMs;
    };
  }
}

/** A text of which a drafter knows what its maker lets it know; claims `claim` for its best guess. */
export class Liar implements Drafter {
  readonly name = "ngram";
  isInRound = false; // set by the simulation: a drafter that could know that could do the most harm
  onAsked: () => void = () => {}; // for the next tree
  readonly #text: readonly number[];
  readonly #claim: number;
  readonly #isRight: IsRight;
  #length = 0;

  constructor(text: readonly number[], claim: number, isRight: IsRight) {
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
    const isRight = this.#isRight(at, path.length, this.isInRound);
    return isRight === null ? [] : [{ token: isRight ? right : right + 1, probability: this.#claim }];
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

  /**
   * How long the next reply takes: the text behind its first token, which is the prompt. With the `end`-th token of the text it ends by itself,
   * which nobody knows before.
   */
  async replyMs(text: readonly number[], end = text.length): Promise<number> {
    this.#now = Math.max(this.#now, this.#gpuFree); // who writes the next message gives the last pass time, which nobody waits for
    const start = this.#now;
    await this.#reply(text, end);
    return this.#now - start;
  }

  async #reply(text: readonly number[], end: number): Promise<void> {
    const speculator = this.#speculator;
    const inRound = (is: boolean) => {
      if (this.#liar) this.#liar.isInRound = is;
    };
    speculator?.begin(text.slice(0, 1), { ...rules, temperature: 0 });
    let known = 1; // tokens
    let pending = this.#submit(1);
    let isPaced = false;
    const reach = () => ({ position: known - 1, maxDepth: text.length - known - 1, maxDrafts: 15 });
    let speculates = speculator?.pays(reach()) ?? false;
    for (;;) {
      const next: number | null = speculates || known + 1 === text.length ? null : this.#submit(1);
      this.#now = Math.max(this.#now, pending);
      const token = text[known]!;
      if (known === 1) speculator?.sawFirst(token);
      else speculator?.sawPlain(token, isPaced);
      isPaced = next !== null;
      known++;
      if (known === end) return;
      if (next !== null) {
        pending = next;
        inRound(false);
        speculates = speculator?.pays(reach()) ?? false;
        continue;
      }
      for (;;) {
        inRound(true);
        const tree = (await speculator?.draft(text[known - 1]!, reach())) ?? null;
        if (!speculator || !tree) break;
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
        const given = Math.min(found.tokens.length, end - known);
        known += given;
        if (known === end) return speculator.cut(given);
      }
      pending = this.#submit(1);
      speculates = false;
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
