import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { StreamingDetokenizer } from "../../src/text/detokenizer";
import { Tokenizer } from "../../src/text/tokenizer";
import { byteLevelJson, hasSmollm2, loadSmollm2, smollm2Cases, stories, storiesCases, type TokenizerFixture } from "./fixtures";

const byteLevel = new Tokenizer(byteLevelJson(), {});
const whole = (tokenizer: Tokenizer, ids: readonly number[]) => tokenizer.decode(ids, { skipSpecial: true });

function pieces(tokenizer: Tokenizer, ids: readonly number[], context: readonly number[] = []): string[] {
  const stream = new StreamingDetokenizer(tokenizer, context);
  return [...ids.map((id) => stream.push(id)), stream.flush()];
}
/**
 * Prefixes that end inside a character are left out: the whole decode spoils the characters before it, and the stream has shown them
 * already.
 */
const complete = (fixture: TokenizerFixture) => fixture.decodes.filter((item) => item.whole);
const streamed = (tokenizer: Tokenizer, ids: readonly number[]) => pieces(tokenizer, ids).join("");

test("stories260k: the pieces of every fixture join to its whole decode", () => {
  for (const { ids, decoded } of [...storiesCases.cases, ...complete(storiesCases)])
    expect({ ids, text: streamed(stories, ids) }).toEqual({ ids, text: decoded });
});

describe.runIf(hasSmollm2)("SmolLM2's tokenizer, where the project's shared data is at hand", () => {
  let tokenizer: Tokenizer;
  beforeAll(() => {
    tokenizer = loadSmollm2();
  });

  test("the pieces of every fixture join to its whole decode", () => {
    for (const { ids, decoded } of [...smollm2Cases.cases, ...complete(smollm2Cases)])
      expect({ ids, text: streamed(tokenizer, ids) }).toEqual({ ids, text: decoded });
  });
});

test("a character comes whole with its last byte, and the rest at once", () => {
  const ids = byteLevel.encode("a🐈b", { special: false });
  const text = pieces(byteLevel, ids);
  expect(text.filter((piece) => piece !== "")).toEqual(["a", "🐈", "b"]);
  expect(text).toHaveLength(ids.length + 1);
  expect(text.at(-1)).toBe("");
});

test("byte tokens become characters as soon as each is complete", () => {
  const ids = stories.encode("你好", { special: false });
  expect(pieces(stories, ids).filter((piece) => piece !== "")).toEqual(["你", "好"]);
});

test("any ids at all: no piece is taken back, and the pieces join to the whole", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: byteLevel.vocabularySize + 3 }), { maxLength: 80 }), (ids) => {
      expect(streamed(byteLevel, ids)).toBe(whole(byteLevel, ids));
    }),
    { numRuns: 500 },
  );
});

test("any text at all, in either kind of vocabulary", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
      for (const tokenizer of [byteLevel, stories]) {
        const ids = tokenizer.encode(text, { special: true });
        expect(streamed(tokenizer, ids)).toBe(whole(tokenizer, ids));
      }
    }),
    { numRuns: 500 },
  );
});

test("a replacement character that was meant is not taken for the beginning of the next one", () => {
  for (const text of ["\uFFFD\u0800", "a\uFFFD\uFFFD\u{1F408}b", "\uFFFD\u00E9\uFFFD"]) {
    for (const tokenizer of [byteLevel, stories]) {
      const ids = tokenizer.encode(text, { special: true });
      expect(streamed(tokenizer, ids)).toBe(whole(tokenizer, ids));
    }
  }
});

test("a fault among byte tokens does not take the sound characters before it along", () => {
  const ids = [...stories.encode("你", { special: false }), stories.id("<0xFF>")!, ...stories.encode(" a", { special: false })];
  expect(streamed(stories, ids)).toMatch(/^你\uFFFD +a$/);
});

test("bytes that never become characters are given out all the same, in bounded windows", () => {
  const lead = byteLevel.id("ð")!; // F0, which three more bytes should follow
  const stream = new StreamingDetokenizer(byteLevel);
  let text = "";
  let decoded = 0;
  const decode = byteLevel.decode.bind(byteLevel);
  byteLevel.decode = (ids, options) => {
    decoded += ids.length;
    return decode(ids, options);
  };
  for (let i = 0; i < 400; i += 1) {
    text += stream.push(lead);
    expect(text.length).toBeGreaterThan(i - 20);
  }
  text += stream.flush();
  byteLevel.decode = decode;
  expect(text).toBe("\uFFFD".repeat(400));
  expect(decoded).toBeLessThan(400 * 100);
});

test("special tokens say nothing", () => {
  expect(pieces(stories, [1, ...stories.encode("Hi", { special: false }), 2]).join("")).toBe("Hi");
});

test("going on from a prompt keeps the space between", () => {
  const prompt = stories.encode("Once upon", { special: true });
  const both = stories.encode("Once upon a time", { special: true });
  expect(both.slice(0, prompt.length)).toEqual(prompt);
  expect(pieces(stories, both.slice(prompt.length), prompt).join("")).toBe(" a time");
  expect(pieces(stories, both.slice(prompt.length)).join("")).toBe("a time");
});
