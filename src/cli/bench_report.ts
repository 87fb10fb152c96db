// What `gyre bench` found, as --json prints it. For people there is bench_table.
import type { KernelShare } from "../engine/meter";
import type { Operations } from "../engine/operations";
import type { Tuning } from "../engine/tuning";
import type { SpeculationFigure } from "./bench_speculation";

/** A figure, or why there is none. */
export type Figure<T extends object> = (T & { readonly skipped: null }) | { readonly skipped: string };

export interface BenchReport {
  readonly model: string; // its name, or that of its shape
  readonly layers: number;
  readonly hasRandomWeights: boolean;
  readonly adapter: string;
  readonly software: boolean;
  readonly precision: string;
  readonly contextLength: number;
  readonly parameters: number | null; // of the layers measured, where known
  readonly operations: Operations;
  readonly choices: Tuning["choices"]; // of variants
  readonly loadMs: number;
  readonly memory: { readonly weightBytes: number; readonly cacheBytes: number; readonly scratchBytes: number };
  readonly copyGBps: number;
  /** In passes as `generate` has them, so short that no screen freezes; and in the largest that there is room for, where those are larger. */
  readonly prefill: readonly ({ readonly tokens: number } & Figure<PrefillFigure & { readonly largest: PrefillFigure | null }>)[];
  readonly decode: readonly ({ readonly depth: number } & Figure<DecodeFigure>)[];
  readonly rowCosts: readonly ({ readonly rows: number } & Figure<{ readonly ms: number; readonly ratio: number }>)[];
  readonly speculation: Figure<{ readonly ways: readonly SpeculationFigure[] }>;
  readonly dispatchesPerToken: number;
  readonly submitsPerToken: number;
  readonly kernels: Figure<{ readonly at: readonly KernelTable[] }>;
  readonly energy: Figure<{ readonly joulesPerToken: number; readonly counters: readonly string[] }>;
}

export interface PrefillFigure {
  readonly ms: number; // until the first token is drawn
  readonly tokensPerSecond: number;
  readonly passes: number;
}

export interface DecodeFigure {
  readonly ms: number; // a token
  readonly tokensPerSecond: number;
  readonly bytes: number; // a token
  readonly GBps: number;
  readonly shareOfCopy: number; // of the copy bandwidth
}

/** A decoded token's kernels, the one that takes longest first. */
export interface KernelTable {
  readonly depth: number; // tokens before it
  readonly list: readonly (KernelShare & { readonly GBps: number })[];
}
