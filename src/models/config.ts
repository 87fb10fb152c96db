// Reading config.json: what a family asks for is there and of the right kind, or the error names the key.
import { EngineError } from "../protocol/errors";

export type Json = Readonly<Record<string, unknown>>;

/** The number under the first of `keys` that is present and not null, or the fallback. Throws "model-damaged" naming the key. */
export function numberOf(config: Json, keys: readonly string[], fallback?: number): number {
  for (const key of keys) {
    const value = config[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== "number" || !Number.isFinite(value)) throw damaged(`${key} is not a number`);
    return value;
  }
  if (fallback === undefined) throw damaged(`${keys[0]} is missing`);
  return fallback;
}

/** Like numberOf, for whole numbers above zero. */
export function countOf(config: Json, keys: readonly string[], fallback?: number): number {
  const value = numberOf(config, keys, fallback);
  if (!Number.isSafeInteger(value) || value <= 0) throw damaged(`${keys[0]} is ${value}, not a whole number above zero`);
  return value;
}

export function flagOf(config: Json, keys: readonly string[], fallback: boolean): boolean {
  for (const key of keys) {
    const value = config[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== "boolean") throw damaged(`${key} is neither true nor false`);
    return value;
  }
  return fallback;
}

export function objectOf(config: Json, key: string): Json | null {
  const value = config[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || Array.isArray(value)) throw damaged(`${key} is not an object`);
  return Object.fromEntries(Object.entries(value));
}

export function listOf(config: Json, key: string): readonly unknown[] | null {
  const value = config[key];
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw damaged(`${key} is not a list`);
  return [...(value as readonly unknown[])];
}

export function damaged(reason: string): EngineError {
  return new EngineError("model-damaged", `config.json is damaged: ${reason}.`);
}

export function unsupported(reason: string): EngineError {
  return new EngineError("model-unsupported", `This model cannot be run: ${reason}.`);
}
