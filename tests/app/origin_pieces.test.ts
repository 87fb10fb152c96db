import fc from "fast-check";
import { Lexer, type MarkedToken } from "marked";
import { expect, test } from "vitest";
import { originPieces, shownText } from "../../src/app/origin_pieces";
import type { OriginRun } from "../../src/chats/schema";
import type { TokenOrigin } from "../../src/protocol/messages";

const lex = (reply: string) => Lexer.lex(reply, { gfm: true, breaks: true });

/** Every piece that is shown, in order. */
function pieces(reply: string, origins: readonly OriginRun[]) {
  return [...originPieces(lex(reply), reply, origins).values()].flat();
}

test("pieces lie in the formatted text, cut where another origin begins", () => {
  const reply = "Hello, **a red fox**.";
  const origins: readonly OriginRun[] = [
    ["model", 7],
    ["ngram", 4],
    ["suffix", 4],
    ["model", 6],
  ];
  expect(pieces(reply, origins)).toEqual([
    ["model", "Hello, "],
    ["ngram", "a "],
    ["suffix", "red "],
    ["model", "fox"],
    ["model", "."],
  ]);
});

test("the text of code is found behind a fence that says the same", () => {
  expect(
    pieces("```js\njs\n```", [
      ["model", 6],
      ["draft", 6],
    ]),
  ).toEqual([["draft", "js"]]);
});

test("what stands beyond the last run is the model's own", () => {
  expect(pieces("more", [["suffix", 2]])).toEqual([
    ["suffix", "mo"],
    ["model", "re"],
  ]);
});

/** Markdown in which every unit that is shown occurs once, so that its true place is known. */
const SHAPES = [
  "%\n\n%",
  "%% **%%** %",
  "# %%\n\n%",
  "- %%\n  %\n- %\n  - %%\n    %\n",
  "1. %\n\n   %%\n2. **%** [%%](https://example.org/a)%\n",
  "> %%\n> %\n>\n> - %\n>   %",
  "```%\n%%\n%\n```\n\n%",
  "> ```\n> %%\n> %\n> ```\n\n%",
  "| % | %% |\n|---|---|\n| % | **%** |\n",
  "- [x] %%\n- [ ] %\n",
  "%\\*% <b>%</b> `%%` ![%](https://example.org/b.png)",
  "*%* _%_ ~~%~~\n%  \n%",
];
const FIRST = 0x4e00; // Chinese characters: plenty, and letters to Markdown

test.each(SHAPES)("in %j every unit has the origin of its own place", (shape) => {
  let next = FIRST;
  const reply = shape.replaceAll("%", () => String.fromCharCode(next++, next++));
  const all: readonly TokenOrigin[] = ["model", "suffix", "ngram", "personal", "draft"];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...all), { minLength: reply.length, maxLength: reply.length }), (perUnit) => {
      const shown = pieces(
        reply,
        perUnit.map((origin) => [origin, 1]),
      ).flatMap(([origin, text]) => text.split("").map((unit) => [origin, unit] as const));
      for (const [origin, unit] of shown) if (unit >= "\u4e00" && unit <= "\u9fff") expect(origin, unit).toBe(perUnit[reply.indexOf(unit)]);
      const missing = shape.includes("```%") ? 2 : 0; // the name of a language is not part of the text
      expect(new Set(shown.map(([, unit]) => unit).filter((unit) => unit >= "\u4e00")).size).toBe(next - FIRST - missing);
    }),
    { numRuns: 20 },
  );
});

test("whatever the reply, each token's pieces make up its text", () => {
  const markdown = fc
    .array(
      fc.constantFrom(
        "a",
        "b ",
        "**",
        "*",
        "`",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "1. ",
        "| ",
        "|-|\n",
        "```",
        "[",
        "](http://c)",
        "&amp;",
        "\\",
        "\t",
        "\r\n",
        "🦊",
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(markdown, (reply) => {
      for (const [token, parts] of originPieces(lex(reply), reply, [
        ["suffix", 5],
        ["model", 7],
        ["draft", 3],
      ])) {
        expect(parts.map(([, text]) => text).join("")).toBe(shownText(token as MarkedToken));
      }
    }),
    { numRuns: 300 },
  );
});
