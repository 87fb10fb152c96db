// Command-line options: declared once as a table, from which they are parsed, checked and explained.
import { parseArgs } from "node:util";
import type { EngineOptions } from "../engine/engine";
import { EngineError } from "../protocol/errors";

export interface Option {
  readonly type: "string" | "boolean";
  readonly value?: string; // what stands for the value in the usage text
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

export type Values<T extends Options> = { readonly [K in keyof T]?: T[K]["type"] extends "boolean" ? boolean : string };

/** Throws EngineError "bad-request" for an unknown option, a missing value, or an argument that belongs to no option. */
export function parseOptions<T extends Options>(args: readonly string[], options: T): Values<T> {
  try {
    return parseArgs({ args: joinNegatives(args), options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
}

/** Node takes `--option -1` for two options, and wants `--option=-1`. */
function joinNegatives(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    if (last?.startsWith("--") && !last.includes("=") && /^-\.?\d/.test(arg)) joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/** One line for each option. */
export function describeOptions(options: Options): string {
  const names = Object.entries(options).map(([name, { value }]) => `--${name}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...names.map((name) => name.length));
  return Object.values(options)
    .map(({ help }, i) => `  ${(names[i] ?? "").padEnd(width)}  ${help}\n`)
    .join("");
}

export function bad(message: string, detail = ""): EngineError {
  return new EngineError("bad-request", message, detail);
}

export function required(text: string | undefined, name: string): string {
  if (text === undefined || text === "") throw bad(`--${name} is missing.`);
  return text;
}

/** A decimal number; ranges are for whoever uses it to check. */
export function numberOption(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw bad(`--${name} takes a number, not ${JSON.stringify(text)}.`);
  return value;
}

/** A whole number above zero. */
export function countOption(text: string | undefined, name: string): number | undefined {
  const value = numberOption(text, name);
  if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
    throw bad(`--${name} takes a whole number above zero, not ${text}.`);
  return value;
}

/** An unsigned number of 64 bits, in decimal or, after 0x, in hexadecimal. */
export function seedOption(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  if (!/^(\d+|0x[0-9a-f]+)$/i.test(text) || BigInt(text) !== BigInt.asUintN(64, BigInt(text))) {
    throw bad(`--seed takes an unsigned number of 64 bits, in decimal or as 0x..., not ${JSON.stringify(text)}.`);
  }
  return BigInt(text);
}

/** Token ids separated by commas. */
export function tokensOption(text: string): readonly number[] {
  const parts = text.split(",").map((part) => part.trim());
  const wrong = parts.find((part) => !/^\d+$/.test(part) || !Number.isSafeInteger(Number(part)));
  if (wrong !== undefined) throw bad(`--tokens takes token ids separated by commas, not ${JSON.stringify(wrong)}.`);
  return parts.map(Number);
}

/** Undefined leaves the choice to the model: a package has one precision, and any other folder is run in W8A8. */
export function precisionOption(text: string | undefined): EngineOptions["precision"] | undefined {
  if (text === undefined || text === "full" || text === "w8a8" || text === "w4a8") return text;
  throw bad(`--precision takes full, w8a8 or w4a8, not ${JSON.stringify(text)}.`);
}
