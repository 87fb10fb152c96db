// What `gyre bench` found: as an object for machines, as a table for people.
import type { KernelShare } from "../engine/meter";
import type { Operations } from "../engine/operations";
import type { Tuning } from "../engine/tuning";
import type { Tally } from "../speculate/stats";
import type { SpeculationFigure } from "./bench_speculation";

/** A figure, or why there is none. */
export type Figure<T extends object> = (T & { readonly skipped: null }) | { readonly skipped: string };

export interface BenchReport {
  readonly model: string;
  readonly adapter: string;
  readonly software: boolean;
  readonly precision: string;
  readonly contextLength: number;
  readonly parameters: number | null;
  readonly operations: Operations;
  readonly choices: Tuning["choices"]; // of variants
  readonly loadMs: number;
  readonly memory: { readonly weightBytes: number; readonly cacheBytes: number; readonly scratchBytes: number };
  readonly copyGBps: number;
  readonly prefill: readonly ({ readonly tokens: number } & Figure<PrefillFigure>)[];
  readonly decode: readonly ({ readonly depth: number } & Figure<DecodeFigure>)[];
  readonly rowCosts: readonly ({ readonly rows: number } & Figure<{ readonly ms: number; readonly ratio: number }>)[];
  readonly speculation: Figure<{ readonly ways: readonly SpeculationFigure[] }>;
  readonly dispatchesPerToken: number;
  readonly submitsPerToken: number;
  readonly kernels: Figure<{ readonly depth: number; readonly list: readonly KernelFigure[] }>;
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
  readonly share: number; // of the copy bandwidth
}

export interface KernelFigure extends KernelShare {
  readonly GBps: number;
}

/** The report as a table for people. */
export function describeReport(report: BenchReport): string {
  const { memory } = report;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const head = [
    `${report.model}, ${report.precision}, on ${report.adapter}`,
    `variants: ${Object.entries(report.choices)
      .map(([part, name]) => `${part} ${name}`)
      .join(", ")}`,
    `context ${report.contextLength}; loaded in ${Math.round(report.loadMs)} ms`,
    `memory: weights ${megabytes(memory.weightBytes)}, cache ${megabytes(memory.cacheBytes)}, else ${megabytes(memory.scratchBytes)}`,
    `copy bandwidth ${report.copyGBps.toFixed(1)} GB/s; ${report.dispatchesPerToken} dispatches and ${report.submitsPerToken} submit a token`,
  ];
  const rows = [
    ...report.prefill.map((figure) =>
      row(`prefill ${figure.tokens}`, figure, ({ tokensPerSecond, ms }) => [`${speed(tokensPerSecond)} tokens/s`, time(ms)]),
    ),
    ...report.decode.map((figure) =>
      row(`decode at ${figure.depth}`, figure, ({ tokensPerSecond, ms, GBps, share }) => [
        `${speed(tokensPerSecond)} tokens/s`,
        time(ms),
        `${GBps.toFixed(2)} GB/s`,
        `${Math.round(100 * share)} % of copying`,
      ]),
    ),
    ...report.rowCosts.map((figure) =>
      row(`pass of ${figure.rows} row${figure.rows === 1 ? "" : "s"}`, figure, ({ ms, ratio }) => [`c = ${ratio.toFixed(2)}`, time(ms)]),
    ),
    row("energy", report.energy, ({ joulesPerToken, counters }) => [`${joulesPerToken.toPrecision(3)} J a token`, counters.join(" + ")]),
  ];
  const { kernels } = report;
  const profile =
    kernels.skipped === null
      ? [
          ["", ""],
          [`GPU time of a token at ${kernels.depth}`, "ms", "dispatches", "GB/s"],
          ...kernels.list.map(({ kernel, ms, dispatches, GBps, bytes }) => [
            `  ${kernel}`,
            ms.toFixed(3),
            String(dispatches),
            bytes > 0 ? GBps.toFixed(2) : "",
          ]),
        ]
      : [["kernels", kernels.skipped]];
  return `${[...head, "", ...aligned([...rows, ...profile, ...speculationRows(report.speculation)])].join("\n")}\n`;
}

function speculationRows(speculation: BenchReport["speculation"]): readonly (readonly string[])[] {
  if (speculation.skipped !== null) return [["speculation", `- (${speculation.skipped})`]];
  const share = ({ proposed, accepted }: Tally) => (proposed > 0 ? `${Math.round((100 * accepted) / proposed)} % of ${proposed}` : "-");
  return [
    ["", ""],
    ["replies", "tokens/s", "in plain's", "tokens a pass", "drafts accepted", "drafting", "verifying", "by drafter"],
    ...speculation.ways.map((way) => [
      `  ${way.way}`,
      speed(way.tokensPerSecond),
      way.speed.toFixed(2),
      way.tokensPerPass.toFixed(2),
      share(way),
      way.proposed > 0 ? time(way.draftMs) : "-",
      way.proposed > 0 ? time(way.verifyMs) : "-",
      Object.entries(way.byDrafter)
        .map(([name, tally]) => `${name} ${share(tally)}`)
        .join(", "),
    ]),
  ];
}

function row<T extends object>(name: string, figure: Figure<T>, cells: (figure: T) => readonly string[]): readonly string[] {
  return [name, ...(figure.skipped === null ? cells(figure) : [`- (${figure.skipped})`])];
}

function speed(tokensPerSecond: number): string {
  return tokensPerSecond >= 100 ? String(Math.round(tokensPerSecond)) : tokensPerSecond.toFixed(1);
}

function time(ms: number): string {
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(2)} ms`;
}

/** Columns as wide as their widest cell; a reason why there is no figure may run on. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const cells of rows) {
    for (const [i, cell] of cells.entries()) if (!cell.startsWith("- (")) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
