// That speculation never makes a reply slower than 0.97 of plain decoding's speed, whoever drafts and whatever passes cost.
import { describe, expect, test } from "vitest";
import { philox } from "../../src/speculate/philox";
import { Conversation, type Device, type IsRight, Liar, Pausing, replyMs } from "./simulated";

const random = (key: number, i: number) => philox([key, 3], [i, 0, 0, 0])[0] / 2 ** 32;
const textOf = (length: number) => Array.from({ length }, (_, i) => i % 50);

const device = (passMs: Device["passMs"], readMs = 0, draftMs = 0): Device => ({ passMs, readMs, draftMs });
const devices: Readonly<Record<string, Device>> = {
  "rows are cheap": device((rows) => 10 * (1 + (rows - 1) * 0.05)),
  "rows are cheap, and reading back is slow": device((rows) => 10 * (1 + (rows - 1) * 0.05), 2, 0.1),
  "rows cost half a token": device((rows) => 10 * (1 + (rows - 1) * 0.5), 0.5, 0.1),
  "a row costs what a token does": device((rows) => 10 * rows, 0.2),
  "drafting is slow": device((rows) => 10 * (1 + (rows - 1) * 0.05), 0, 3),
  "passes take now longer, now shorter": device((rows, pass) => 10 * (1 + (rows - 1) * 0.1) * (0.95 + random(9, pass) / 10), 1),
};

/** As the tuner measures: a token in a run of plain decoding, and passes of more rows until they are read. */
const measured = (here: Device) => [1, 2, 4, 8, 16].map((rows) => ({ rows, ms: here.passMs(rows, 0) + (rows > 1 ? here.readMs : 0) }));

type Lie = (key: number) => IsRight;
const lies: Readonly<Record<string, Lie>> = {
  "is never right": () => () => false,
  "is right one time in three": (key) => (position) => random(key, position) < 1 / 3,
  "is right nine times in ten": (key) => (position) => random(key, position) < 0.9,
  "is right for twenty tokens, then wrong for twenty": () => (position) => position % 40 < 20,
  "is right for a hundred tokens, then never again": () => (position) => position < 100,
  "is right about the next token, and wrong about the one behind it": () => (_, depth) => depth === 0,
  "is right where nothing hangs on it": () => (_, __, isInRound) => !isInRound,
  "is right every other token": () => (position) => position % 2 === 0,
};

/** Plain decoding's times in those with speculation: the least and the largest, over replies of these lengths. */
const ratiosOf = async (here: Device, lie: Lie, lengths: readonly number[], isMeasured: boolean) => {
  const ratios: number[] = [];
  for (const length of lengths) {
    const text = textOf(length);
    const plain = await replyMs(text, here, null);
    for (const claim of [0.3, 0.95]) {
      const options = isMeasured ? { costs: measured(here) } : {};
      for (const key of [1, 2, 3]) ratios.push(plain / (await replyMs(text, here, new Liar(text, claim, lie(key)), options)));
    }
  }
  return { worst: Math.min(...ratios), best: Math.max(...ratios) };
};

describe.each(Object.keys(devices))("where %s", (where) => {
  test.each(Object.keys(lies))("a drafter that %s", async (what) => {
    const [here, lie] = [devices[where]!, lies[what]!];
    for (const isMeasured of [true, false]) {
      expect((await ratiosOf(here, lie, [40, 100, 400], isMeasured)).worst).toBeGreaterThanOrEqual(0.97);
    }
  });

  // The first reply is lent what a probe may lose; those behind it have what was earned.
  test.each([5, 8, 20, 60])("a conversation of replies of %i tokens loses no more, but for a token's time, once", async (length) => {
    const here = devices[where]!;
    const text = textOf(length);
    const plain = await replyMs(text, here, null);
    const token = plain / (length - 1);
    for (const what of Object.keys(lies)) {
      for (const isRight of [0, 4]) {
        // Right for a few replies, so that there is something to lose, and then as the drafter is.
        let replies = 0;
        const lie = lies[what]!(1);
        const liar = new Liar(text, 0.95, (...asked) => replies < isRight || lie(...asked));
        const conversation = new Conversation(here, liar, { costs: measured(here) });
        let all = 0;
        for (; replies < 20; replies++) {
          const ms = await conversation.replyMs(text);
          all += ms;
          expect(ms).toBeLessThanOrEqual(Math.max(plain / 0.96, plain + token));
          expect(all).toBeLessThanOrEqual(((replies + 1) * plain) / 0.97 + token);
        }
      }
    }
  });
});

test("and it does speculate: a good drafter makes a reply far quicker, even a short one, and a bad one is tried", async () => {
  const here = devices["rows are cheap, and reading back is slow"]!;
  const good = lies["is right nine times in ten"]!;
  expect((await ratiosOf(here, good, [40, 100, 400], true)).best).toBeGreaterThan(2);
  expect((await ratiosOf(here, good, [10], true)).best).toBeGreaterThan(2);
  expect((await ratiosOf(here, lies["is never right"]!, [40], true)).worst).toBeLessThan(0.99);
});

test("drafting that takes long is counted once: a good drafter is used in each reply of a conversation", async () => {
  const here = devices["drafting is slow"]!;
  const text = textOf(60);
  const plain = await replyMs(text, here, null);
  const conversation = new Conversation(here, new Liar(text, 0.7, lies["is right nine times in ten"]!(1)), { costs: measured(here) });
  for (let reply = 0; reply < 10; reply++) expect(plain / (await conversation.replyMs(text))).toBeGreaterThan(2);
});

test("a drafter that was wrong for long is used once it is right", async () => {
  const here = devices["rows are cheap, and reading back is slow"]!;
  const text = textOf(600);
  const late = new Liar(text, 0.5, (position) => position > 200);
  expect((await replyMs(text, here, null)) / (await replyMs(text, here, late))).toBeGreaterThan(1.8);
});

test.each(Object.keys(devices))(
  "where %s, replies that end in a tree lose no more, whatever was accepted behind their end",
  async (where) => {
    const here = devices[where]!;
    const text = textOf(60);
    for (const end of [3, 4, 7]) {
      const plain = new Conversation(here, null);
      const conversation = new Conversation(here, new Liar(text, 0.95, () => true), { costs: measured(here) });
      let plainMs = 0;
      let ms = 0;
      for (let reply = 0; reply < 30; reply++) {
        plainMs += await plain.replyMs(text, end);
        ms += await conversation.replyMs(text, end);
      }
      expect(ms).toBeLessThanOrEqual(plainMs / 0.97 + here.passMs(1, 0));
    }
  },
);

// What rounds, or coming back from them, took, says little where the device, or the page, stood still.
const pauses: readonly [where: string, (rows: number, before: number) => boolean][] = [
  ["in coming back from rounds", (rows, before) => rows === 1 && before > 1],
  ["in a round", (rows) => rows > 1],
];

describe.each(pauses)("a pause %s", (_, isThen) => {
  const here = devices["rows are cheap, and reading back is slow"]!;
  const text = textOf(60);
  const good = (position: number) => (position > 20 && position < 30 ? null : random(4, position) < 0.9);

  test.each([100, 300, 1000, 60_000])("of %i ms costs later replies nothing", async (pauseMs) => {
    for (const isMeasured of [true, false]) {
      const options = isMeasured ? { costs: measured(here) } : {};
      for (const pausesIn of [0, 3]) {
        const device = new Pausing(here, isThen);
        const usual = new Conversation(here, new Liar(text, 0.9, good), options);
        const conversation = new Conversation(device, new Liar(text, 0.9, good), options);
        const ratios: number[] = [];
        for (let reply = 0; reply < pausesIn + 4; reply++) {
          if (reply === pausesIn) device.pauseMs = pauseMs;
          const usualMs = await usual.replyMs(text);
          ratios.push((await conversation.replyMs(text)) / usualMs);
        }
        expect(device.pauseMs).toBe(0); // it did
        expect(Math.max(...ratios.slice(pausesIn + 1))).toBeLessThan(1.1);
      }
    }
  });
});

// [device, whether rounds fit]
const limited: readonly [what: string, ms: (rows: number) => number, fits: boolean][] = [
  ["a row takes 40 ms, and each further one 8", (rows) => 40 + 8 * (rows - 1), true],
  ["a row takes 30 ms, and each further one 1", (rows) => 30 + (rows - 1), true],
  ["a row takes 5 ms, and from the ninth on passes take long", (rows) => (rows > 8 ? 150 : 5 + rows), true],
  ["a row takes 75 ms, and each further one 30", (rows) => 75 + 30 * (rows - 1), false],
  ...[95, 105, 200].flatMap((one): typeof limited => [
    [`a row takes ${one} ms, and each further one a twentieth`, (rows) => one * (1 + (rows - 1) / 20), true],
    [`a row takes ${one} ms, and each further one half of that`, (rows) => one * (1 + (rows - 1) / 2), false],
  ]),
];

describe("where a submit may take 100 ms", () => {
  test.each(limited)("and %s, no round takes longer, or a quarter longer than a token", async (_, ms, fits) => {
    const limitMs = Math.max(100, 1.25 * ms(1)) + 1e-9;
    for (const rows of [[1, 2, 4, 8, 16], [1, 2], []]) {
      const passes: number[] = [];
      const here = device((count) => {
        passes.push(count);
        return ms(count);
      });
      const costs = rows.map((count) => ({ rows: count, ms: ms(count) }));
      const always = new Liar(textOf(300), 0.95, () => true);
      await replyMs(textOf(300), here, always, { costs, submitMs: 100 });
      const rounds = passes.filter((count) => count > 1);
      const long = rounds.filter((count) => ms(count) > limitMs);
      expect(rounds.length > long.length).toBe(fits);
      expect(long.length, `passes of ${long.join()} rows`).toBeLessThanOrEqual(rows.length < 5 ? 2 : 0); // nobody can know before, and the first may have met a pause
    }
  });
  test("and a token takes now less, now more, each reply is speculated", async () => {
    const here = device((rows, pass) => (95 + 10 * random(5, pass)) * (1 + (rows - 1) * 0.03), 1);
    const text = textOf(30);
    const plain = await replyMs(text, here, null);
    const conversation = new Conversation(here, new Liar(text, 0.9, () => true), { costs: measured(here), submitMs: 100 });
    for (let reply = 0; reply < 8; reply++) expect(plain / (await conversation.replyMs(text))).toBeGreaterThan(2);
  });
});
