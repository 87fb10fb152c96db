import { type Coupling, ways } from "./couplings";

const BAR = 30;
const GAP = 26; // between groups
const HEIGHT = 220; // of a bar for 1
const TOP = 70;
const LEFT = 50;
const COLOURS = ["#b0b7c3", "#5b8def", "#e4784e"];

/** A bar a row, in groups by drafter and temperature: as high as the acceptance measured, a line where the closed form has it, tokens a pass above. */
export function acceptanceSvg(title: string, rows: readonly Coupling[]): string {
  const groupOf = ({ drafter, temperature }: Coupling) => `${drafter}, T ${temperature}`;
  const groups = [...new Set(rows.map(({ drafter }) => drafter))].flatMap((drafter) => [
    ...new Set(rows.filter((row) => row.drafter === drafter).map(groupOf)),
  ]);
  const step = ways.length * BAR + GAP;
  const width = LEFT + groups.length * step;
  const y = (share: number) => TOP + HEIGHT * (1 - share);
  const bars = rows.map((row) => {
    const way = ways.indexOf(row.way);
    const x = LEFT + groups.indexOf(groupOf(row)) * step + way * BAR;
    const [left, right, middle] = [x + 2, x + BAR - 2, x + BAR / 2];
    return [
      `<rect x="${left}" y="${y(row.measured).toFixed(1)}" width="${BAR - 4}" height="${(HEIGHT * row.measured).toFixed(1)}" fill="${COLOURS[way]}"/>`,
      `<path d="M${left} ${y(row.exact).toFixed(1)}H${right}" stroke="#222"/>`,
      `<text x="${middle}" y="${(y(Math.max(row.measured, row.exact)) - 5).toFixed(1)}" text-anchor="middle">${row.tokensAPass.toFixed(2)}</text>`,
    ].join("");
  });
  const names = groups.map(
    (name, i) => `<text x="${LEFT + i * step + (step - GAP) / 2}" y="${TOP + HEIGHT + 20}" text-anchor="middle">${escape(name)}</text>`,
  );
  const axis = [0, 0.5, 1].map(
    (share) =>
      `<path d="M${LEFT - 4} ${y(share)}H${width - GAP}" stroke="#ddd"/><text x="${LEFT - 8}" y="${y(share) + 4}" text-anchor="end">${share}</text>`,
  );
  const legend = ways.map(
    (way, i) =>
      `<rect x="${LEFT + i * 150}" y="34" width="10" height="10" fill="${COLOURS[i]}"/><text x="${LEFT + 15 + i * 150}" y="43">${way}</text>`,
  );
  const heading = `<text x="8" y="20" font-size="13" font-weight="bold">${escape(title)}: acceptance (bar), its closed form (line), tokens a pass in chains of 4 (number)</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${TOP + HEIGHT + 40}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    heading,
    ...legend,
    ...axis,
    ...bars,
    ...names,
    "</svg>\n",
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
