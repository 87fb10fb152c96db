export interface AcceptanceRow {
  readonly temperature: number;
  readonly way: string;
  readonly exact: number; // acceptance in closed form
  readonly measured: number;
  readonly tokensAPass: number;
}

const BAR = 44;
const GAP = 48; // between temperatures
const HEIGHT = 220; // of a bar for 1
const TOP = 70;
const LEFT = 50;
const COLOURS = ["#b0b7c3", "#5b8def", "#e4784e"];

/** A bar a row, in groups by temperature: as high as the acceptance measured, a line where the closed form has it, tokens a pass above. */
export function acceptanceSvg(title: string, rows: readonly AcceptanceRow[]): string {
  const temperatures = [...new Set(rows.map(({ temperature }) => temperature))];
  const ways = [...new Set(rows.map(({ way }) => way))];
  const step = ways.length * BAR + GAP;
  const width = LEFT + temperatures.length * step;
  const y = (share: number) => TOP + HEIGHT * (1 - share);
  const bars = rows.map((row) => {
    const x = LEFT + temperatures.indexOf(row.temperature) * step + ways.indexOf(row.way) * BAR;
    const [left, right, middle] = [x + 2, x + BAR - 2, x + BAR / 2];
    return [
      `<rect x="${left}" y="${y(row.measured).toFixed(1)}" width="${BAR - 4}" height="${(HEIGHT * row.measured).toFixed(1)}" fill="${COLOURS[ways.indexOf(row.way)]}"/>`,
      `<path d="M${left} ${y(row.exact).toFixed(1)}H${right}" stroke="#222"/>`,
      `<text x="${middle}" y="${(y(Math.max(row.measured, row.exact)) - 5).toFixed(1)}" text-anchor="middle">${row.tokensAPass.toFixed(2)}</text>`,
    ].join("");
  });
  const groups = temperatures.map(
    (temperature, i) =>
      `<text x="${LEFT + i * step + (step - GAP) / 2}" y="${TOP + HEIGHT + 20}" text-anchor="middle">T ${temperature}</text>`,
  );
  const axis = [0, 0.5, 1].map(
    (share) =>
      `<path d="M${LEFT - 4} ${y(share)}H${width - GAP}" stroke="#ddd"/><text x="${LEFT - 8}" y="${y(share) + 4}" text-anchor="end">${share}</text>`,
  );
  const legend = ways.map(
    (way, i) =>
      `<rect x="${LEFT + i * 150}" y="34" width="10" height="10" fill="${COLOURS[i]}"/><text x="${LEFT + 15 + i * 150}" y="43">${way}</text>`,
  );
  const heading = `<text x="8" y="20" font-size="11" font-weight="bold">${title.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}: acceptance (bar), tokens a pass (number)</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${TOP + HEIGHT + 40}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    heading,
    ...legend,
    ...axis,
    ...bars,
    ...groups,
    "</svg>\n",
  ].join("\n");
}
