// Measures what is fastest on the device at hand, once a device and model.
import type { Candidates, Choices } from "../kernels/policy";
import type { RowCost } from "../speculate/costs";
import type { Meter } from "./meter";
import { MOST_ROWS } from "./trial";
import { chooseFrom, type Measurement } from "./tuning";
import { wrongResult } from "./wrong_result";

const BUDGET_MS = 1300; // for the choices
const COST_BUDGET_MS = 600;
const COSTED_ROWS = [1, 8, 16, 4, 2]; // in the order of what they tell

type Part = keyof Choices;

/** Which rows a part of Choices is measured with, in the order in which parts are measured. */
const ROWS = { dot: 8, norm: 1, one: 1, few: 8, many: MOST_ROWS } as const satisfies Record<Part, number>;
const PARTS = Object.keys(ROWS) as readonly Part[];

/** What is measured with a choice of these, and so anew where that changes. */
const MEASURED_WITH: Readonly<Partial<Record<Part, readonly Part[]>>> = { dot: ["norm", "one", "few", "many"], norm: ["one"] };

/** What a candidate takes, as Trial measures it. */
export type Measure = (choices: Choices, rows: number) => Promise<number | null>;

/**
 * Measures candidates, the most promising of each part first, until all are measured or the time is up; at least the defaults are, and are
 * held to the reference. A part whose default is wrong goes through the others whatever the time. Throws EngineError "wrong-result" where
 * every candidate of a part contradicts the reference.
 */
export async function tune(
  known: Candidates,
  defaults: Choices,
  measure: Measure,
  budgetMs: number = BUDGET_MS,
  now: () => number = () => performance.now(),
): Promise<Choices> {
  const begin = now();
  const once = remembered(measure);
  const untried = new Map<Part, string[]>(PARTS.map((part) => [part, [...known[part]]]));
  let measurements: Measurement[] = [];
  let choices = defaults;
  const isSettled = (part: Part) => measurements.some((measurement) => measurement.part === part && measurement.ms !== null);
  const left = (part: Part) => untried.get(part)?.length ?? 0;
  for (;;) {
    const open = PARTS.filter((part) => left(part) > 0);
    const tried = (part: Part) => known[part].length - left(part);
    const part = open.find((one) => !isSettled(one)) ?? open.sort((a, b) => tried(a) - tried(b))[0];
    if (part === undefined || (isSettled(part) && now() - begin > budgetMs)) break;
    const name = untried.get(part)?.shift() ?? "";
    let ms: number | null = null;
    for (const others of insides(part, known)) ms ??= await once({ ...choices, ...others, [part]: name }, ROWS[part]);
    measurements.push({ part, name, ms });
    const chosen = chooseFrom(
      measurements.filter((measurement) => isSettled(measurement.part)),
      defaults,
    );
    if ("wrong" in chosen) continue;
    const stale = new Set(PARTS.flatMap((changed) => (chosen[changed] === choices[changed] ? [] : (MEASURED_WITH[changed] ?? []))));
    measurements = measurements.filter((measurement) => !stale.has(measurement.part));
    for (const other of stale) untried.set(other, [...known[other]]);
    choices = { ...chosen, ...Object.fromEntries([...stale].map((other) => [other, defaults[other]])) };
  }
  const chosen = chooseFrom(measurements, defaults);
  if ("wrong" in chosen) throw wrongResult(`linear_int8, every variant for "${chosen.wrong}" (rows: ${ROWS[chosen.wrong]})`);
  return chosen;
}

/**
 * The products that a part may be measured inside, the usual one first: a dot product needs one of few rows, a norm one of a single row, and
 * that product's variant may be what is wrong.
 */
function insides(part: Part, known: Candidates): readonly Partial<Choices>[] {
  if (part === "dot") return known.few.map((few) => ({ few }));
  if (part === "norm") return known.one.map((one) => ({ one }));
  return [{}];
}

/** Measures what it is asked once: the usual product of few rows stands for the usual dot product too. */
function remembered(measure: Measure): Measure {
  const measured = new Map<string, Promise<number | null>>();
  return (choices, rows) => {
    const key = JSON.stringify([rows, ...PARTS.map((part) => choices[part])]);
    const ms = measured.get(key) ?? measure(choices, rows);
    measured.set(key, ms);
    return ms;
  };
}

/**
 * What passes of 1, 2, 4, 8 and 16 rows cost, in ascending row count: as many of them as there is time for, and of these only what is sure to
 * take no longer than a submit may. The caches hold nothing of use afterwards.
 */
export async function measureCosts(
  meter: Pick<Meter, "decode" | "verify">,
  submitMs: number,
  now: () => number = () => performance.now(),
): Promise<readonly RowCost[]> {
  const measured: RowCost[] = [];
  const untried = new Set(COSTED_ROWS);
  // Twice the rows take twice as long at most. Two rows are tried where one may be run at all: the first prompt would, not knowing.
  const limitMs = (rows: number) => (rows === 2 ? 2 * submitMs : submitMs);
  const mostMs = (rows: number) => Math.min(...measured.filter((less) => less.rows < rows).map((less) => (less.ms * rows) / less.rows));
  const begin = now();
  for (;;) {
    const oneMs = measured.find(({ rows }) => rows === 1)?.ms ?? 0;
    const rows = [...untried].find((some) => some === 1 || mostMs(some) <= limitMs(some));
    if (rows === undefined || now() - begin + 2 * oneMs > COST_BUDGET_MS) break;
    untried.delete(rows);
    const budget = { ms: COST_BUDGET_MS / COSTED_ROWS.length, samples: 5 };
    const timing = await (rows === 1 ? meter.decode(0, budget) : meter.verify(rows, 0, budget, 1));
    if (timing) measured.push({ rows, ms: timing.ms });
  }
  return measured.sort((a, b) => a.rows - b.rows);
}
