// Who proposed what Markdown shows: its text is the reply's without the marks, so each piece of it is looked up where it stands in the reply.
import type { MarkedToken, Token, Tokens } from "marked";
import type { OriginRun } from "../chats/schema";
import type { TokenOrigin } from "../protocol/messages";

export type Piece = readonly [origin: TokenOrigin, text: string];

/** The text that a token shows by itself; null for one that shows its parts, a line, or nothing. */
export function shownText(token: MarkedToken): string | null {
  switch (token.type) {
    case "code":
    case "codespan":
    case "escape":
      return token.text;
    case "text":
      return token.tokens === undefined ? token.text : null;
    case "image": // Fetching it would tell its host that it was read.
      return token.text || token.href;
    case "html":
      return token.raw;
    default:
      return null;
  }
}

/** For every token that shows text: its text, cut where another origin begins. `blocks` are the reply's, as Markdown. */
export function originPieces(blocks: readonly Token[], reply: string, origins: readonly OriginRun[]): ReadonlyMap<Token, readonly Piece[]> {
  const found = new Map<Token, readonly Piece[]>();
  const originAt = lookUp(origins);
  /** Looks for a token within [from, to) of the reply, and returns where the next one may begin. */
  const visit = (token: MarkedToken, from: number, to: number): number => {
    const at = reply.indexOf(token.raw, from);
    // Within lists and quotations a token may lack what stands before each of its lines; then its parts are looked for one by one.
    const isWhole = at >= 0 && at + token.raw.length <= to;
    const [start, end] = isWhole ? [at, at + token.raw.length] : [from, to];
    const text = shownText(token);
    if (text !== null) {
      const places = locate(reply, text, start, end, isWhole);
      found.set(token, cut(text, places.map(originAt)));
      return isWhole ? end : (places.at(-1) ?? from - 1) + 1;
    }
    const next = partsOf(token).reduce((place, part) => visit(part as MarkedToken, place, end), start);
    return isWhole ? end : next;
  };
  blocks.reduce((place, block) => visit(block as MarkedToken, place, reply.length), 0);
  return found;
}

function partsOf(token: MarkedToken): readonly Token[] {
  if (token.type === "list") return token.items;
  if (token.type === "table") return [token.header, ...token.rows].flat().flatMap((cell: Tokens.TableCell) => cell.tokens);
  return "tokens" in token ? (token.tokens ?? []) : [];
}

/** Where each UTF-16 unit of a text stands in [start, end) of the reply: together if it can be, or else in this order with other things between. */
function locate(reply: string, text: string, start: number, end: number, isWhole: boolean): number[] {
  // Behind a fence stands the name of a language, which may also be the code's first word; so the last place is the right one.
  const at = isWhole ? reply.lastIndexOf(text, end - text.length) : reply.indexOf(text, start);
  const units = text.split("");
  if (at >= start && at + text.length <= end) return units.map((_, index) => at + index);
  let place = start - 1;
  return units.map((unit) => {
    const next = reply.indexOf(unit, place + 1);
    if (next >= 0 && next < end) place = next; // What Markdown has made up goes with what stands before it.
    return Math.max(place, 0);
  });
}

function cut(text: string, origins: readonly TokenOrigin[]): readonly Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (let end = 1; end <= text.length; end++) {
    const origin = origins[start];
    if (origin === undefined || (end < text.length && origins[end] === origin)) continue;
    pieces.push([origin, text.slice(start, end)]);
    start = end;
  }
  return pieces;
}

function lookUp(runs: readonly OriginRun[]): (place: number) => TokenOrigin {
  const perUnit = runs.flatMap(([origin, length]) => Array<TokenOrigin>(length).fill(origin));
  return (place) => perUnit[place] ?? "model";
}
