// A roofline (Williams, Waterman, Patterson 2009): how fast passes of more and more rows compute, under what the device's bandwidth allows.
import type { BenchReport } from "./bench_report";
import { titleOf } from "./bench_table";

// All in pixels.
const WIDTH = 720;
const HEIGHT = 440;
const LEFT = 70;
const RIGHT = 24;
const TOP = 76;
const BOTTOM = 56;
const LETTER = 7; // about as wide as one is
const LINE = 14;
const APART = 7; // a label from its dot

export interface RooflinePoint {
  readonly label: string;
  readonly intensity: number; // operations a byte that must be read
  readonly rate: number; // operations a second
}

/** What the report's passes compute; weights are read once a pass however many rows it has. */
export function rooflinePoints({ decode, rowCosts, prefill, operations, memory }: BenchReport): readonly RooflinePoint[] {
  const { body, head } = operations;
  const atStart = decode.find(({ depth, skipped }) => depth === 0 && skipped === null);
  const bytes = atStart?.skipped === null ? atStart.bytes : memory.weightBytes;
  const point = (label: string, count: number, ms: number) => ({ label, intensity: count / bytes, rate: (count * 1000) / ms });
  return [
    ...rowCosts.flatMap((cost) =>
      cost.skipped === null ? [point(`${cost.rows} row${cost.rows === 1 ? "" : "s"}`, cost.rows * (body + head), cost.ms)] : [],
    ),
    ...prefill.flatMap((figure) => {
      if (figure.skipped !== null) return [];
      // A prompt goes through in several passes, and each reads the weights again.
      const { ms, passes } = figure.largest ?? figure;
      const { label, rate, intensity } = point(`prefill ${figure.tokens}`, figure.tokens * body + head, ms);
      return [{ label, rate, intensity: intensity / passes }];
    }),
  ];
}

/** The report's roofline as an SVG document. The flat part of the roof is the fastest that was measured, not what a maker claims. */
export function rooflineSvg(report: BenchReport): string {
  const points = rooflinePoints(report);
  const bandwidth = report.copyGBps * 1e9;
  const peak = Math.max(...points.map(({ rate }) => rate), 1);
  const x = scale(points.map(({ intensity }) => intensity).concat(peak / bandwidth), LEFT, WIDTH - RIGHT);
  const y = scale(points.map(({ rate }) => rate).concat(peak, x.from * bandwidth), HEIGHT - BOTTOM, TOP);
  const knee = Math.min(x.to, Math.max(x.from, peak / bandwidth));
  const roof = [
    [x.from, Math.min(peak, x.from * bandwidth)],
    [knee, Math.min(peak, knee * bandwidth)],
    [x.to, peak],
  ].map(([intensity = 0, rate = 0]) => `${x.at(intensity)},${y.at(rate)}`);

  const dots = labelled(points.map(({ label, intensity, rate }) => ({ label, x: x.at(intensity), y: y.at(rate) })));

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#222">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="15" font-weight="600">${escape(titleOf(report))}</text>
<text x="${LEFT}" y="40" fill="#666">${escape(report.adapter)}</text>
<text x="${LEFT}" y="56" fill="#666">${escape(`grey: the roof, ${report.copyGBps.toFixed(1)} GB/s copied (read and written) and ${short(peak)}OP/s, the fastest measured here`)}</text>
${x.ticks.map((tick) => `<line x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#e4e4e4"/><text x="${x.at(tick)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(tick)}</text>`).join("\n")}
${y.ticks.map((tick) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.at(tick)}" y2="${y.at(tick)}" stroke="#e4e4e4"/><text x="${LEFT - 8}" y="${y.at(tick) + 4}" text-anchor="end">${short(tick)}</text>`).join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle">operations of linear layers, a byte read</text>
<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">operations of linear layers, a second</text>
<polyline points="${roof.join(" ")}" fill="none" stroke="#888" stroke-width="2"/>
${dots.map((dot) => `<circle cx="${dot.x}" cy="${dot.y}" r="4" fill="${dot.label.startsWith("prefill") ? "#b4531a" : "#1a6fb4"}"/><text x="${dot.x + (dot.isLeft ? -APART : APART)}" y="${dot.baseline}" text-anchor="${dot.isLeft ? "end" : "start"}">${escape(dot.label)}</text>`).join("\n")}
</svg>
`;
}

interface Dot {
  readonly label: string;
  readonly x: number; // pixels, as all that follows
  readonly y: number;
}

interface Labelled extends Dot {
  readonly isLeft: boolean; // whether the label is, of its dot
  readonly baseline: number;
}

/** Each label beside its dot, where it lies on no other and within the picture, or else below it. */
function labelled(dots: readonly Dot[]): readonly Labelled[] {
  const placed: Labelled[] = [];
  for (const dot of dots) {
    const places = [16, -8, 16 + LINE, -8 - LINE].flatMap((down) =>
      [false, true].map((isLeft) => ({ ...dot, isLeft, baseline: dot.y + down })),
    );
    const isFree = (place: Labelled) => endsOf(place)[1] <= WIDTH - RIGHT && !placed.some((other) => overlap(place, other));
    placed.push(places.find(isFree) ?? { ...dot, isLeft: false, baseline: dot.y + 16 });
  }
  return placed;
}

function overlap(one: Labelled, other: Labelled): boolean {
  const [[left, right], [otherLeft, otherRight]] = [endsOf(one), endsOf(other)];
  return Math.abs(one.baseline - other.baseline) < LINE && left < otherRight && otherLeft < right;
}

/** Where a label begins and ends, about. */
function endsOf({ label, x, isLeft }: Labelled): readonly [left: number, right: number] {
  const width = label.length * LETTER;
  return isLeft ? [x - APART - width, x - APART] : [x + APART, x + APART + width];
}

/** A logarithmic axis over whole powers of ten that hold all values. */
function scale(values: readonly number[], begin: number, end: number) {
  const known = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...known)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...known))));
  const at = (value: number) => Math.round((begin + ((Math.log10(value) - low) / (high - low)) * (end - begin)) * 10) / 10;
  return { at, from: 10 ** low, to: 10 ** high, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) };
}

function short(value: number): string {
  for (const [unit, size] of [
    ["T", 1e12],
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (value >= size) return `${Number((value / size).toPrecision(3))} ${unit}`;
  }
  return String(Number(value.toPrecision(3)));
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
