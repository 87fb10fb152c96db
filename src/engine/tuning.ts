// What was measured on a device, and what follows from it. Pure: measuring is tuner.ts's part, keeping that of a store.
import type { Choices, DeviceTraits } from "../kernels/policy";
import { readChoices } from "../kernels/policy";
import type { RowCost } from "../speculate/costs";

/** How a model runs on a device. */
export interface Tuning {
  readonly choices: Choices;
  readonly costs: readonly RowCost[]; // in ascending row count
}

/** Keeps tunings by key, as JSON. A store that fails is no reason not to run: callers go on without. */
export interface TuningStore {
  get(key: string): Promise<unknown>;
  put(key: string, tuning: Tuning): Promise<void>;
}

/** One candidate of one part of Choices. */
export interface Measurement {
  readonly part: keyof Choices;
  readonly name: string;
  readonly ms: number | null; // null: it computed a wrong result
}

// What another candidate must be faster by: less than that is noise, and would make the choice change from load to load.
const WORTH = 0.95;

/**
 * The fastest candidate of each part that was measured. A part keeps its default where that was not measured, and where nothing is clearly
 * faster; a default that computed a wrong result is never kept. Returns the part that has no right candidate, if there is one.
 */
export function chooseFrom(measurements: readonly Measurement[], defaults: Choices): Choices | { readonly wrong: keyof Choices } {
  const chosen: Record<keyof Choices, string> = { ...defaults };
  for (const part of new Set(measurements.map((measurement) => measurement.part))) {
    const measured = measurements.filter((measurement) => measurement.part === part);
    const usual = measured.find(({ name }) => name === defaults[part]);
    if (!usual) continue;
    const right = measured.flatMap(({ name, ms }) => (ms === null ? [] : [{ name, ms }])).sort((a, b) => a.ms - b.ms);
    const [best] = right;
    if (!best) return { wrong: part };
    chosen[part] = usual.ms === null || best.ms < WORTH * usual.ms ? best.name : usual.name;
  }
  return chosen as Choices; // each name is one that was measured for its part, or its default
}

/** A tuning that was kept as JSON, or null where it is not one that this device may use. */
export function readTuning(kept: unknown, device: Pick<DeviceTraits, "packedDot" | "software">): Tuning | null {
  if (typeof kept !== "object" || kept === null || !("choices" in kept) || !("costs" in kept)) return null;
  const choices = readChoices(kept.choices, device);
  if (!choices || !Array.isArray(kept.costs)) return null;
  const costs: RowCost[] = [];
  for (const cost of kept.costs as readonly unknown[]) {
    if (typeof cost !== "object" || cost === null || !("rows" in cost) || !("ms" in cost)) return null;
    const { rows, ms } = cost;
    if (typeof rows !== "number" || typeof ms !== "number" || !(rows >= 1 && ms > 0)) return null;
    costs.push({ rows, ms });
  }
  return { choices, costs };
}

/** What a tuning holds for: this device, these shaders, this model's shapes and precision. SHA-256, in hexadecimal. */
export async function tuningKey(...parts: readonly string[]): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts))));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
