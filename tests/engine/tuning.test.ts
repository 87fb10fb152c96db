import { expect, test } from "vitest";
import { measureCosts, tune } from "../../src/engine/tuner";
import { chooseFrom, readTuning, tuningKey } from "../../src/engine/tuning";
import { type Choices, candidates, defaultChoices } from "../../src/kernels/policy";

const device = { packedDot: true, software: false };
const defaults = defaultChoices(device);
const known = candidates(device);

test("the fastest is chosen where it is clearly faster, and the default stays otherwise", () => {
  const [usual, other, third] = known.one as readonly [string, string, string];
  const measured = (a: number | null, b: number | null, c: number | null = 99) =>
    chooseFrom(
      [
        { part: "one", name: usual, ms: a },
        { part: "one", name: other, ms: b },
        { part: "one", name: third, ms: c },
      ],
      defaults,
    );
  expect(measured(10, 9)).toEqual({ ...defaults, one: other });
  expect(measured(10, 9.8)).toEqual(defaults); // within the noise
  expect(measured(10, 11, 8)).toEqual({ ...defaults, one: third });
  expect(measured(null, 50)).toEqual({ ...defaults, one: other }); // slow, but right
  expect(measured(10, null)).toEqual(defaults);
  expect(measured(null, null, null)).toEqual({ wrong: "one" });
  expect(chooseFrom([], defaults)).toEqual(defaults);
});

/** A device where a candidate's time is the table's product of its parts, each measurement takes `cost`, and these compute wrong results. */
function simulated(
  times: Readonly<Record<string, number>>,
  cost: number,
  wrong: (choices: Choices, rows: number) => boolean = () => false,
) {
  let clock = 0;
  const asked: { choices: Choices; rows: number }[] = [];
  return {
    asked,
    now: () => clock,
    measure: async (choices: Choices, rows: number) => {
      asked.push({ choices, rows });
      clock += cost;
      if (wrong(choices, rows)) return null;
      const part = rows === 1 ? choices.one : rows === 8 ? choices.few : choices.many;
      return (times[part] ?? 10) * (times[choices.dot] ?? 1) * (rows === 1 ? (times[choices.norm] ?? 1) : 1);
    },
  };
}

test("with time enough every candidate is measured, and each part gets its fastest", async () => {
  const { measure, now, asked } = simulated({ lanes64: 3, tile32: 2, lanes8: 4 }, 1);
  expect(await tune(known, defaults, measure, 2000, now)).toEqual({ ...defaults, one: "lanes64", few: "lanes8", many: "tile32" });
  // The first of few rows was measured for the dot product, and the first of one row for the norm.
  const others = known.one.length - 1 + known.few.length - 1 + known.many.length;
  expect(asked).toHaveLength(known.dot.length + known.norm.length + others);
});

test("norms apart are taken where they are faster, and products of one row measured anew with them; others are not", async () => {
  const { measure, now, asked } = simulated({ folded: 2, lanes16: 5 }, 1);
  expect(await tune(known, defaults, measure, 2000, now)).toEqual({ ...defaults, norm: "apart", one: "lanes16", few: "lanes16" });
  const one = asked.filter(({ rows }) => rows === 1).map(({ choices }) => `${choices.norm} ${choices.one}`);
  expect(one.slice(0, 2)).toEqual(["folded lanes32", "apart lanes32"]);
  for (const name of known.one) expect(one).toContain(`apart ${name}`);
  expect(one.filter((name) => name.startsWith("folded"))).toHaveLength(1);
  expect(asked.filter(({ rows }) => rows === 8)).toHaveLength(known.few.length - 1 + known.dot.length);
});

test("time that runs out leaves the less promising unmeasured, but never the defaults", async () => {
  const slow = simulated({ lanes64: 1 }, 5000);
  expect(await tune(known, defaults, slow.measure, 2000, slow.now)).toEqual(defaults);
  expect(slow.asked).toHaveLength(3); // a pass of one row, of few, and of many
  const middling = simulated({ lanes16: 1 }, 300);
  const chosen = await tune(known, defaults, middling.measure, 2000, middling.now);
  expect(chosen.one).toBe("lanes16");
  expect(middling.now()).toBeLessThanOrEqual(2000 + 300);
});

test("where the packed dot is slow, the rest is measured anew without it", async () => {
  const { measure, now, asked } = simulated({ packed: 4, lanes16: 2 }, 1);
  const chosen = await tune(known, defaults, measure, 2000, now);
  expect(chosen).toMatchObject({ dot: "unpacked", one: "lanes16", few: "lanes16" });
  const behind = asked.slice(asked.findIndex(({ choices }) => choices.dot === "unpacked") + 1);
  expect(behind.every(({ choices }) => choices.dot === "unpacked")).toBe(true);
  expect(behind.map(({ choices }) => choices.one)).toContain(defaults.one);
});

test("a wrong variant is passed over even when time is up; a wrong default too", async () => {
  const wrongOne = simulated({}, 5000, ({ one }, rows) => rows === 1 && one === defaults.one);
  const chosen = await tune(known, defaults, wrongOne.measure, 2000, wrongOne.now);
  expect(chosen).toEqual({ ...defaults, one: known.one[1] });
  const wrongFew = simulated({}, 5000, ({ few }, rows) => rows === 8 && few === defaults.few);
  expect(await tune(known, defaults, wrongFew.measure, 2000, wrongFew.now)).toEqual({ ...defaults, few: known.few[1] });
  const wrongNorm = simulated({}, 5000, ({ norm }, rows) => rows === 1 && norm === "folded");
  expect(await tune(known, defaults, wrongNorm.measure, 2000, wrongNorm.now)).toEqual({ ...defaults, norm: "apart" });
  const wrongDot = simulated({}, 5000, ({ dot }) => dot === "packed");
  expect(await tune(known, defaults, wrongDot.measure, 2000, wrongDot.now)).toEqual({ ...defaults, dot: "unpacked" });
});

test("a device on which every variant is wrong is refused", async () => {
  const { measure, now } = simulated({}, 1, () => true);
  await expect(tune(known, defaults, measure, 2000, now)).rejects.toMatchObject({ code: "wrong-result" });
});

test("a tuning survives being kept as JSON, and anything else is refused", () => {
  const tuning = {
    choices: defaults,
    costs: [
      { rows: 1, ms: 2.5 },
      { rows: 8, ms: 4 },
    ],
  };
  expect(readTuning(JSON.parse(JSON.stringify(tuning)), device)).toEqual(tuning);
  const { choices, costs } = tuning;
  const broken = [null, 7, {}, { choices }, { costs }, { choices, costs: [{ rows: 1 }] }, { choices, costs: [{ rows: 1, ms: -1 }] }];
  for (const kept of [...broken, { choices: { ...choices, one: "none" }, costs }]) expect(readTuning(kept, device)).toBeNull();
  // Kept on a device with the packed dot, read on one without.
  expect(readTuning(tuning, { ...device, packedDot: false })).toBeNull();
});

test("a key is of all its parts", async () => {
  const key = await tuningKey("gpu", "shaders", "model");
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  for (const parts of [
    ["gpu2", "shaders", "model"],
    ["gpu", "shadersm", "odel"],
  ])
    expect(await tuningKey(...parts)).not.toBe(key);
});

/** What measureCosts finds where a pass takes so long, and which passes it ran. */
async function costsOf(msOf: (rows: number) => number, submitMs: number) {
  let clock = 0;
  const passes: number[] = [];
  const took = async (rows: number, ms: number) => {
    passes.push(rows);
    clock += 3 * ms;
    return { ms, fastest: ms, samples: 2 };
  };
  // A single row is not waited for: plain decoding is a run of them.
  const meter = { decode: () => took(1, msOf(1)), verify: (rows: number) => took(rows, msOf(rows) + (rows > 1 ? 0 : 3)) };
  const costs = await measureCosts(meter, submitMs, () => clock);
  expect(costs).toEqual(passes.toSorted((a, b) => a - b).map((rows) => ({ rows, ms: msOf(rows) })));
  return passes;
}

test("costs are measured in the order of what they tell, as far as time allows, and never by a submit that may be too long", async () => {
  const any = Number.POSITIVE_INFINITY;
  expect(await costsOf((rows) => 5 + 0.2 * rows, 100)).toEqual([1, 8, 16, 4, 2]);
  expect(await costsOf((rows) => 18 + 2 * rows, 100)).toEqual([1, 4, 8, 16, 2]);
  expect(await costsOf((rows) => 40 * rows, 100)).toEqual([1, 2]);
  expect(await costsOf((rows) => 70 * rows, 100)).toEqual([1, 2]); // the first prompt would take two rows, not knowing
  expect(await costsOf((rows) => 120 + rows, 100)).toEqual([1]);
  expect(await costsOf((rows) => 10 * rows, any)).toEqual([1, 8, 16]);
});
