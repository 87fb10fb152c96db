import fc from "fast-check";
import { expect, test } from "vitest";
import { StopMatcher } from "../../src/text/stop";

function run(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean; steps: string[] } {
  const matcher = new StopMatcher(stops);
  const steps: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece);
    steps.push(text);
    if (stopped) return { text: steps.join(""), stopped, steps };
  }
  steps.push(matcher.flush());
  return { text: steps.join(""), stopped: false, steps };
}

test.each<[string, string[], string[], string, boolean]>([
  ["no stop strings", [], ["a", "b"], "ab", false],
  ["an empty one is ignored", [""], ["a", "b"], "ab", false],
  ["within a piece", ["STOP"], ["one STOP two"], "one ", true],
  ["across pieces", ["\nUser:"], ["hi\nU", "se", "r: x"], "hi", true],
  ["a beginning that comes to nothing", ["\nUser:"], ["hi\nUs", "ual"], "hi\nUsual", false],
  ["a beginning inside a beginning", ["aab"], ["a", "a", "a", "b"], "a", true],
  ["at the very start", ["x"], ["xyz"], "", true],
  ["a beginning at the end of the text", ["abc"], ["xab"], "xab", false],
  ["two: the one complete first", ["abcd", "bc"], ["abcd"], "a", true],
  ["two that end together: the longer", ["bc", "abc"], ["xabc"], "x", true],
])("%s", (_, stops, pieces, text, stopped) => {
  expect(run(stops, pieces)).toMatchObject({ text, stopped });
});

test("only what may become a stop string is held back", () => {
  expect(run(["END"], ["abE", "x", "EN", "E"]).steps).toEqual(["ab", "Ex", "", "EN", "E"]);
});

test("nothing comes after a stop", () => {
  const matcher = new StopMatcher(["x"]);
  matcher.push("axb");
  expect(matcher.push("c")).toEqual({ text: "", stopped: true });
  expect(matcher.flush()).toBe("");
});

test("the pieces do not matter, and text is cut where one character at a time would cut it", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 24 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 5 }), stops, (pieces, list) => {
      const text = pieces.join("");
      let cut = text.length;
      for (let end = 1; end <= text.length && cut === text.length; end += 1) {
        const ending = list.filter((stop) => text.slice(0, end).endsWith(stop));
        if (ending.length > 0) cut = end - Math.max(...ending.map((stop) => stop.length));
      }
      expect(run(list, pieces).text).toBe(text.slice(0, cut));
    }),
    { numRuns: 1000 },
  );
});
