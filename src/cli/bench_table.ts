// What `gyre bench` found, as tables for people.
import type { Tally } from "../speculate/stats";
import type { BenchReport, Figure } from "./bench_report";

/** A table's rows, its header first. */
type Rows = readonly (readonly string[])[];

/** The report as text, several lines. */
export function describeReport(report: BenchReport): string {
  const { memory } = report;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const head = [
    titleOf(report),
    `on ${report.adapter}`,
    `variants: ${Object.entries(report.choices)
      .map(([part, name]) => `${part}=${name}`)
      .join(", ")}`,
    `context of ${report.contextLength} tokens; loaded and tested in ${Math.round(report.loadMs)} ms`,
    `memory: weights ${megabytes(memory.weightBytes)}, keys, values and states ${megabytes(memory.cacheBytes)}, else ${megabytes(memory.scratchBytes)}`,
    `copy bandwidth: ${report.copyGBps.toFixed(1)} GB/s, read and written`,
    `a token: ${report.dispatchesPerToken} dispatches, ${report.submitsPerToken} submit${report.submitsPerToken === 1 ? "" : "s"}`,
    `energy: ${energyOf(report)}`,
  ];
  const tables = [prefillRows, decodeRows, costRows, kernelRows, speculationRows].map((rowsOf) => aligned(rowsOf(report)));
  return `${[head, ...tables].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Which model was measured, in one line. */
export function titleOf({ model, parameters, layers, hasRandomWeights, precision }: BenchReport): string {
  const size = parameters === null ? [] : [`${(parameters / 1e6).toPrecision(4)} M parameters`];
  return [model, ...size, `${layers} layers`, ...(hasRandomWeights ? ["random weights"] : []), precision.toUpperCase()].join(", ");
}

function energyOf({ energy }: BenchReport): string {
  if (energy.skipped !== null) return `not known (${energy.skipped})`;
  return `${energy.joulesPerToken.toPrecision(3)} J a token (${energy.counters.join(" + ")}, and what else this machine does)`;
}

function prefillRows({ prefill }: BenchReport): Rows {
  return [
    ["prefill", "tokens/s", "ms to first token", "passes"],
    ...prefill.flatMap((figure) => {
      const name = `${figure.tokens} tokens`;
      const cells = ({ tokensPerSecond, ms, passes }: { tokensPerSecond: number; ms: number; passes: number }) => {
        return [speed(tokensPerSecond), time(ms), String(passes)];
      };
      const largest = figure.skipped === null ? figure.largest : null;
      return [row(name, figure, cells), ...(largest ? [[`${name}, largest passes`, ...cells(largest)]] : [])];
    }),
  ];
}

function decodeRows({ decode }: BenchReport): Rows {
  return [
    ["decode", "tokens/s", "ms a token", "GB/s read", "of copy bandwidth"],
    ...decode.map((figure) =>
      row(`at depth ${figure.depth}`, figure, ({ tokensPerSecond, ms, GBps, shareOfCopy }) => {
        return [speed(tokensPerSecond), time(ms), GBps.toFixed(2), `${Math.round(100 * shareOfCopy)} %`];
      }),
    ),
  ];
}

function costRows({ rowCosts }: BenchReport): Rows {
  return [
    ["pass", "ms", "times one row's (c)"],
    ...rowCosts.map((figure) => {
      return row(`${figure.rows} row${figure.rows === 1 ? "" : "s"}`, figure, ({ ms, ratio }) => [time(ms), ratio.toFixed(2)]);
    }),
  ];
}

/** A kernel a row, with a pair of columns for each depth. */
function kernelRows({ kernels }: BenchReport): Rows {
  const title = "a token's GPU time";
  if (kernels.skipped !== null) return [[title, `- (${kernels.skipped})`]];
  const { at } = kernels;
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const [first] = at;
  return [
    [title, "dispatches", ...at.flatMap(({ depth }) => [`ms at depth ${depth}`, "GB/s read"])],
    ...(first?.list ?? []).map(({ kernel, dispatches }) => {
      const cells = at.flatMap(({ list }) => {
        const { ms = 0, bytes = 0, GBps = 0 } = list.find((share) => share.kernel === kernel) ?? {};
        return [ms.toFixed(3), bytes > 0 ? GBps.toFixed(2) : ""];
      });
      return [kernel, String(dispatches), ...cells];
    }),
    [
      "all, each by itself",
      String(sum(first?.list.map(({ dispatches }) => dispatches) ?? [])),
      ...at.flatMap(({ list }) => [sum(list.map(({ ms }) => ms)).toFixed(3), ""]),
    ],
  ];
}

function speculationRows({ speculation }: BenchReport): Rows {
  if (speculation.skipped !== null) return [["speculation", `- (${speculation.skipped})`]];
  const share = ({ proposed, accepted }: Tally) => (proposed > 0 ? `${Math.round((100 * accepted) / proposed)} % of ${proposed}` : "");
  return [
    [
      "replies",
      "tokens/s",
      "times plain's",
      "tokens a pass",
      "drafts accepted",
      "ms drafting, in all",
      "ms verifying, in all",
      "by drafter",
    ],
    ...speculation.ways.map((way) => [
      way.way,
      speed(way.tokensPerSecond),
      way.speed.toFixed(2),
      way.tokensPerPass.toFixed(2),
      share(way),
      way.proposed > 0 ? time(way.draftMs) : "",
      way.proposed > 0 ? time(way.verifyMs) : "",
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
  return ms >= 100 ? String(Math.round(ms)) : ms.toFixed(2);
}

/** Columns as wide as their widest cell, those of numbers flush right; rows are indented. A reason why there is no figure may run on. */
function aligned([header = [], ...rows]: Rows): readonly string[] {
  const all = [header, ...rows.map(([name = "", ...cells]) => [`  ${name}`, ...cells])];
  const columns = header.map((_, i) => {
    const cells = all.map((cellsOf) => cellsOf[i] ?? "").filter((cell) => !cell.startsWith("- ("));
    const isText = cells.slice(1).some((cell) => !/^\d|^$/.test(cell));
    return { width: Math.max(0, ...cells.map(({ length }) => length)), isText };
  });
  return all.map((cells) =>
    cells
      .map((cell, i) => {
        const { width = 0, isText = true } = columns[i] ?? {};
        return isText || cell.startsWith("- (") ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
