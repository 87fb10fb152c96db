// Measures what is fastest on the device at hand: once a device and model, so it is fetched only then.
import { type Candidates, type Choices, takesDot } from "../kernels/policy";
import type { RowCost } from "../speculate/costs";
import { Meter, type Room } from "./meter";
import type { Runner } from "./runner";
import { wrongResult } from "./self_test";
import { MOST_ROWS } from "./trial";
import { chooseFrom, type Measurement } from "./tuning";

const BUDGET_MS = 1300; // for the choices
const COST_BUDGET_MS = 600;
const COSTED_ROWS = [1, 8, 16, 4, 2]; // in the order of what they tell

/** Which rows a part of Choices is measured with. The folded norm is no matter of a product alone, so its default stays. */
const ROWS = { dot: 8, one: 1, few: 8, many: MOST_ROWS } as const satisfies Partial<Record<keyof Choices, number>>;
type Part = keyof typeof ROWS;
const PARTS = ["dot", "one", "few", "many"] as const satisfies readonly Part[];

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
    // A dot product is measured inside a product of few rows that takes it, whose variant may be what is wrong.
    const inside: readonly Partial<Choices>[] = part === "dot" ? known.few.filter(takesDot).map((few) => ({ few })) : [{}];
    let ms: number | null = null;
    for (const others of inside) ms ??= await measure({ ...choices, ...others, [part]: name }, ROWS[part]);
    measurements.push({ part, name, ms });
    const chosen = chooseFrom(
      measurements.filter((measurement) => isSettled(measurement.part as Part)),
      defaults,
    );
    if ("wrong" in chosen) continue;
    if (chosen.dot !== choices.dot) {
      // What was measured of the others was measured with another dot product.
      measurements = measurements.filter((measurement) => measurement.part === "dot");
      for (const other of PARTS) if (other !== "dot") untried.set(other, [...known[other]]);
      choices = { ...defaults, dot: chosen.dot };
    } else choices = chosen;
  }
  const chosen = chooseFrom(measurements, defaults);
  if ("wrong" in chosen) throw wrongResult(`linear_int8, every variant for "${chosen.wrong}"`);
  return chosen;
}

/** What passes of 1, 2, 4, 8 and 16 rows cost, as many of them as there is time for. The caches hold nothing of use afterwards. */
export async function measureCosts(runner: Runner, room: Room): Promise<readonly RowCost[]> {
  const meter = new Meter(runner, room);
  const measured: RowCost[] = [];
  const begin = performance.now();
  for (const rows of COSTED_ROWS) {
    const passed = performance.now() - begin;
    const [one] = measured;
    if (one && passed + one.ms * 2 > COST_BUDGET_MS) break;
    const timing = await meter.verify(rows, 0, { ms: COST_BUDGET_MS / COSTED_ROWS.length, samples: 5 }, 1);
    if (timing) measured.push({ rows, ms: timing.ms });
  }
  return measured.sort((a, b) => a.rows - b.rows);
}
