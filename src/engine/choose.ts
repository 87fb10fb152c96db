// Which variants a model is loaded with: those that were measured here, or the usual ones, and in either case only what computes right.
import type { Gpu } from "../gpu/device";
import type { linearInt8 } from "../kernels/linear_int8";
import { type Choices, candidates, defaultChoices } from "../kernels/policy";
import type { Model } from "../models/family";
import type { WeightPrecision } from "../models/weights";
import type { RowCost } from "../speculate/costs";
import { allShaders } from "./all_shaders";
import { Meter, type Room } from "./meter";
import { submitMsOf } from "./pace";
import type { Runner } from "./runner";
import { selfTest, type Verdict } from "./self_test";
import { heaviestShapes, Trial } from "./trial";
import { measureCosts, tune } from "./tuner";
import { readTuning, type Tuning, type TuningStore, tuningKey } from "./tuning";
import { wrongResult } from "./wrong_result";

/** One pass for each of the pipelines of products, with a row to spare where that is possible; 17 are many. */
const CHECKED_ROWS = [1, 2, 3, 5, 9, 17];

/** Choices for a model on this device, and the costs of its passes if they are known already. */
export interface Chosen {
  readonly key: string; // to keep them under
  readonly choices: Choices;
  readonly costs: readonly RowCost[] | null;
}

export interface ChooseOptions {
  readonly precision: WeightPrecision;
  readonly config: unknown; // config.json
  readonly store: TuningStore | null;
  readonly product?: typeof linearInt8; // for tests, one that may be wrong
}

/**
 * The choices for a model on this device: those kept in the store, or measured now; without a store the usual ones, and nothing is timed. What
 * was chosen is held to the reference in any case, and what is wrong is replaced. Throws EngineError "wrong-result" where nothing is right.
 */
export async function chooseFor(gpu: Gpu, model: Model, { precision, config, store, product }: ChooseOptions): Promise<Chosen> {
  const key = store ? await tuningKey(gpu.name, allShaders, JSON.stringify(config), precision) : "";
  const kept = store && readTuning(await store.get(key).catch(() => null), gpu);
  const usual = { key, choices: kept?.choices ?? defaultChoices(gpu), costs: kept?.costs ?? null };
  // Its products have no variants, and nothing is folded into them.
  if (precision === "full") return { ...usual, choices: { ...usual.choices, norm: "apart" } };
  const weights = precision === "w4a8" ? "int4" : "int8";
  const { epsilon } = model;
  const trial = new Trial(gpu, heaviestShapes(model.linears), { weights, epsilon, ...(product && { product }) });
  try {
    const isKnown = store === null || kept !== null;
    if (isKnown && (await trial.check(usual.choices, CHECKED_ROWS))) return usual;
    const defaults = defaultChoices(gpu);
    await trial.prepare(defaults);
    // Where nobody keeps what is measured, the first that is right will do.
    const budget = store ? undefined : 0;
    const choices = await tune(candidates(gpu), defaults, (some, rows) => trial.measure(some, rows), budget);
    if (!(await trial.check(choices, CHECKED_ROWS))) throw wrongResult(`linear_int8, ${Object.values(choices).join(" ")}`);
    return { key, choices, costs: null };
  } finally {
    trial.dispose();
  }
}

/**
 * Loads with these choices and holds what was loaded to `check`. Where rows are not independent, or a fault may be due to norms folded into
 * products, loads once more with norms apart, and forgets what passes cost; the next load is told by the store. A device that rounds rows
 * differently either way stays with norms apart: two dispatches a layer are less than a second try at each load. A runner that fails is freed.
 * Throws what `load` and `check` throw, and the fault of norms apart.
 */
export async function loadChosen<R extends { dispose(): void }>(
  chosen: Chosen,
  load: (choices: Choices) => Promise<R>,
  check: (runner: R) => Promise<Verdict>,
): Promise<{ readonly runner: R; readonly chosen: Chosen; readonly exact: boolean }> {
  const { choices } = chosen;
  const runner = await load(choices);
  try {
    const { exact, fault } = await check(runner);
    const isLast = choices.norm === "apart";
    if (fault && isLast) throw fault;
    if (exact || isLast) return { runner, chosen, exact };
  } catch (error) {
    runner.dispose();
    throw error;
  }
  runner.dispose();
  // The trial saw two of a model's products, and another may be wrong. No other choice is left that a whole model could be blamed on.
  return loadChosen({ ...chosen, choices: { ...choices, norm: "apart" }, costs: null }, load, check);
}

/**
 * A runner with its choices made, loaded by `load`, tested, and measured; `exact` says whether rows are independent. Throws what `load` throws,
 * and EngineError "wrong-result" for a GPU at fault.
 */
export async function loadTuned(
  gpu: Gpu,
  model: Model,
  options: ChooseOptions,
  room: Room,
  load: (choices: Choices) => Promise<Runner>,
): Promise<{ readonly runner: Runner; readonly tuning: Tuning; readonly exact: boolean }> {
  const first = await chooseFor(gpu, model, options);
  const { runner, chosen, exact } = await loadChosen(first, load, (loaded) => selfTest(gpu, loaded, room));
  try {
    const tuning = await completeTuning(gpu, chosen, runner, room, options.store);
    runner.clearStates();
    return { runner, tuning, exact };
  } catch (error) {
    runner.dispose();
    throw error;
  }
}

/** Measures what passes cost where that is not known and somebody keeps it. The caches hold nothing of use afterwards. */
async function completeTuning(gpu: Gpu, chosen: Chosen, runner: Runner, room: Room, store: TuningStore | null): Promise<Tuning> {
  const { key, choices, costs } = chosen;
  if (costs || !store) return { choices, costs: costs ?? [] };
  const tuning = { choices, costs: await measureCosts(new Meter(runner, room), submitMsOf(gpu)) };
  await store.put(key, tuning).catch(() => {}); // it will be measured again
  return tuning;
}
