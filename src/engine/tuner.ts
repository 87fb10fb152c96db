// Chooses among the variants of products on the device at hand, and refuses a device that computes them wrong.
import type { Gpu } from "../gpu/device";
import { type Candidates, type Choices, candidates, defaultChoices } from "../kernels/policy";
import type { Model } from "../models/family";
import type { WeightPrecision } from "../models/weights";
import type { RowCost } from "../speculate/costs";
import { allShaders } from "./all_shaders";
import type { Meter } from "./meter";
import { wrongResult } from "./self_test";
import { heaviestShapes, Trial } from "./trial";
import { chooseFrom, type Measurement, readTuning, type Tuning, type TuningStore, tuningKey } from "./tuning";

const BUDGET_MS = 1300; // for the choices
const COST_BUDGET_MS = 600;
const COSTED_ROWS = [1, 8, 16, 4, 2]; // in the order of what they tell
const MOST_ROWS = 64; // of the trial of many rows: a whole tile of the largest kind

/** Which rows a part of Choices is measured with. The fused norm is no matter of a product alone, so its default stays. */
const ROWS = { dot: 8, one: 1, few: 8, many: MOST_ROWS } as const satisfies Partial<Record<keyof Choices, number>>;
type Part = keyof typeof ROWS;
const PARTS = ["dot", "one", "few", "many"] as const satisfies readonly Part[];

/** One pass for each of the pipelines of products, with a row to spare where that is possible; 17 are many. */
const CHECKED_ROWS = [1, 2, 3, 5, 9, 17];

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
    let ms = await measure({ ...choices, [part]: name }, ROWS[part]);
    // A dot product is measured inside a product of few rows, whose variant may be what is wrong.
    for (const few of part === "dot" ? known.few : []) ms ??= await measure({ ...choices, [part]: name, few }, ROWS[part]);
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

/** Choices for a model on this device, and the costs of its passes if they are known already. */
export interface Chosen {
  readonly key: string; // to keep them under
  readonly choices: Choices;
  readonly costs: readonly RowCost[] | null;
}

/**
 * The choices for a model on this device: those kept in the store, or measured now. Either are held to the reference, so a device that has
 * become wrong since is noticed. Without a store the defaults are, and nothing is timed. Throws EngineError "wrong-result".
 */
export async function chooseFor(
  gpu: Gpu,
  model: Model,
  config: unknown,
  precision: WeightPrecision,
  store: TuningStore | null,
): Promise<Chosen> {
  const key = store ? await tuningKey(gpu.name, allShaders, JSON.stringify(config), precision) : "";
  const kept = store && readTuning(await store.get(key).catch(() => null), gpu);
  const usual = { key, choices: kept?.choices ?? defaultChoices(gpu), costs: kept?.costs ?? null };
  if (precision === "full") return usual; // its products have no variants
  const trial = new Trial(gpu, heaviestShapes(model.linears), MOST_ROWS);
  try {
    if (store && !kept) {
      const choices = await tune(candidates(gpu), defaultChoices(gpu), (some, rows) => trial.measure(some, rows));
      return { ...usual, choices };
    }
    await checkChoices(trial, usual.choices);
    return usual;
  } finally {
    trial.dispose();
  }
}

/**
 * Measures what passes of 1, 2, 4, 8 and 16 rows cost, as many of them as there is time for, where that is not known and somebody keeps it.
 * The caches hold nothing of use afterwards.
 */
export async function completeTuning({ key, choices, costs }: Chosen, makeMeter: () => Meter, store: TuningStore | null): Promise<Tuning> {
  if (costs || !store) return { choices, costs: costs ?? [] };
  const meter = makeMeter();
  const measured: RowCost[] = [];
  const begin = performance.now();
  for (const rows of COSTED_ROWS) {
    const passed = performance.now() - begin;
    const [one] = measured;
    if (one && passed + one.ms * 2 > COST_BUDGET_MS) break;
    const timing = await meter.verify(rows, 0, { ms: COST_BUDGET_MS / COSTED_ROWS.length, samples: 5 }, 1);
    if (timing) measured.push({ rows, ms: timing.ms });
  }
  measured.sort((a, b) => a.rows - b.rows);
  const tuning = { choices, costs: measured };
  await store.put(key, tuning).catch(() => {}); // it will be measured again
  return tuning;
}

/** Throws EngineError "wrong-result" where a chosen variant contradicts the reference. */
async function checkChoices(trial: Pick<Trial, "check">, choices: Choices): Promise<void> {
  for (const rows of CHECKED_ROWS) {
    if (!(await trial.check(choices, rows))) throw wrongResult(`linear_int8, ${rows} rows, ${Object.values(choices).join(" ")}`);
  }
}
