// Which variant of a kernel runs where. Pure: what it needs to know of the device comes in as an argument, and what a tuner has measured
// there comes in as choices. Variants of a product give the same bits, so choosing is a matter of speed and of nothing else.

/** What the choice of variants depends on. */
export interface DeviceTraits {
  readonly packedDot: boolean; // dot4I8Packed exists
  readonly software: boolean; // a CPU pretends to be a GPU: barriers are dear, and threads side by side gain nothing
  readonly choices?: Choices; // measured on this device; default: defaultChoices
}

/** How a product of a few rows is shared out; see shaders/linear_int8.wgsl. */
export interface RowsVariant {
  readonly threads: number; // a workgroup
  readonly lanes: number; // threads that share the sums of four outputs, a power of two; 1: no barriers, and one pipeline for 3 to 16 rows
}

const rowsVariants = {
  alone: { threads: 64, lanes: 1 },
  lanes8: { threads: 64, lanes: 8 },
  lanes16: { threads: 64, lanes: 16 },
  lanes16x2: { threads: 128, lanes: 16 },
  lanes32: { threads: 64, lanes: 32 },
  lanes64: { threads: 64, lanes: 64 },
} as const satisfies Record<string, RowsVariant>;

/** Rows and outputs of the tile that a workgroup makes of a product of many rows; null: by the kernel for few rows, 16 at a time. */
const tileVariants = { tile64: 64, tile32: 32, rows: null } as const satisfies Record<string, number | null>;

/** The variants in use on a device, by name: plain JSON, which a tuner can keep. */
export interface Choices {
  readonly dot: "packed" | "unpacked" | "masked"; // INT8 products by dot4I8Packed, or in f32 from codes shifted or masked out of their words
  readonly one: keyof typeof rowsVariants; // products of one row
  readonly few: keyof typeof rowsVariants; // of 2 to 16 rows
  readonly many: keyof typeof tileVariants; // of more
  readonly norm: "folded" | "apart"; // a product of one row norms, rotates and quantises its input itself, or a dispatch of its own does
}

/** What makes dot products of codes, a file of shaders/lib. */
type DotPart = `dot_${Choices["dot"]}`;

/** What may be chosen on such a device for each part of Choices, most promising first. */
export type Candidates = { readonly [Part in keyof Choices]: readonly Choices[Part][] };

/** The most rows of a product that count as few. */
export const FEW_ROWS = 16;

/** What a tuner may try, in order of promise; the first of each are the defaults. */
export function candidates(device: Pick<DeviceTraits, "packedDot" | "software">): Candidates {
  const dot = device.packedDot ? (["packed", "unpacked"] as const) : (["unpacked"] as const);
  if (device.software) {
    return { dot: ["masked", ...dot], one: ["alone", "lanes8"], few: ["alone", "lanes8"], many: ["rows", "tile32"], norm: ["apart"] };
  }
  return {
    dot,
    // Thirty-two neighbours read 512 consecutive bytes of a weight row at once.
    one: ["lanes32", "lanes16", "lanes64", "lanes8"],
    few: ["lanes16x2", "lanes16", "lanes32", "lanes8"],
    many: ["tile64", "tile32", "rows"],
    norm: ["folded", "apart"],
  };
}

export function defaultChoices(device: Pick<DeviceTraits, "packedDot" | "software">): Choices {
  const { dot, one, few, many, norm } = candidates(device);
  const first = <T>([value]: readonly T[]): T => {
    if (value === undefined) throw new Error("nothing to choose from");
    return value;
  };
  return { dot: first(dot), one: first(one), few: first(few), many: first(many), norm: first(norm) };
}

/** Choices that were kept as JSON, or null where they are not among what this device may choose. */
export function readChoices(kept: unknown, device: Pick<DeviceTraits, "packedDot" | "software">): Choices | null {
  if (typeof kept !== "object" || kept === null) return null;
  const known = candidates(device);
  const given: Partial<Record<keyof Choices, unknown>> = kept;
  const pick = <T>(names: readonly T[], value: unknown): T | undefined => names.find((name) => name === value);
  const dot = pick(known.dot, given.dot);
  const one = pick(known.one, given.one);
  const few = pick(known.few, given.few);
  const many = pick(known.many, given.many);
  const norm = pick(known.norm, given.norm);
  return dot && one && few && many && norm ? { dot, one, few, many, norm } : null;
}

export function choicesOf(device: DeviceTraits): Choices {
  return device.choices ?? defaultChoices(device);
}

/** The widest row that a product may norm itself: its codes, the rotation and the sums are in workgroup memory together. */
const MAX_FOLDED = 4096;

/** What a workgroup that norms its row itself has and makes: many threads and outputs, as every workgroup does it again. */
export const FOLDED = { threads: 128, outputs: 32 } as const;

/** Whether products of one row of this width norm it themselves. */
export function foldsNorm(width: number, device: DeviceTraits): boolean {
  return choicesOf(device).norm === "folded" && width <= MAX_FOLDED;
}

/** One way of making a product, and the most rows it is meant for. */
export type LinearVariant = { readonly maxRows: number } & (({ readonly rows: number } & RowsVariant) | { readonly tile: number });

/** Variants of an INT8 or INT4 product in ascending row count, for passes of at most `maxRows`. */
export function linearVariants(maxRows: number, device: DeviceTraits): readonly LinearVariant[] {
  const { one, few, many } = choicesOf(device);
  const variants: LinearVariant[] = [{ rows: 1, maxRows: 1, ...rowsVariants[one] }];
  const tile = tileVariants[many];
  const counts = rowsVariants[few].lanes === 1 ? [2, FEW_ROWS] : [2, 4, 8, FEW_ROWS];
  for (const rows of counts) variants.push({ rows, maxRows: rows, ...rowsVariants[few] });
  const rest = { maxRows: Number.POSITIVE_INFINITY };
  variants.push(tile === null ? { rows: FEW_ROWS, ...rowsVariants[few], ...rest } : { tile, ...rest });
  // The first that takes `maxRows` is the last one needed.
  return variants.slice(0, variants.findIndex((variant) => variant.maxRows >= maxRows) + 1);
}

/** Threads that share a float sum. It sets the order of the sum, so it may depend on the device but on nothing else. */
export function linearFloatLanes(device: DeviceTraits): number {
  return device.software ? 1 : 16;
}

/** Rows for which a float product reads weights once, in ascending order: a pass takes the first count that is enough, or the last. */
export function linearFloatRows(maxRows: number, device: DeviceTraits): readonly number[] {
  // With one lane a pipeline serves any number, and few compile faster.
  const counts = linearFloatLanes(device) === 1 ? [FEW_ROWS] : [1, 2, 4, 8, FEW_ROWS];
  const enough = counts.findIndex((rows) => rows >= maxRows);
  return enough < 0 ? counts : counts.slice(0, enough + 1);
}

/** Threads that draw one token together; 16 was usually fastest on the software adapter. */
export function sampleThreads(device: DeviceTraits): number {
  return device.software ? 16 : 256;
}

/** Tokens of the slices that a GPU's workgroups share a large vocabulary by; null: one workgroup makes a row. */
export function sampleSlice(vocabulary: number, device: DeviceTraits): number | null {
  return device.software || vocabulary <= 8192 ? null : 2048;
}

/** The part that makes dot products of codes. */
export function dotPart(device: DeviceTraits): DotPart {
  return `dot_${choicesOf(device).dot}`;
}

/** A kernel with each of these parts. */
export function byDot<T>(make: (dot: DotPart) => T): Record<DotPart, T> {
  return { dot_packed: make("dot_packed"), dot_unpacked: make("dot_unpacked"), dot_masked: make("dot_masked") };
}

/** Threads that attend to one chunk of keys together. On the software adapter as many as go in step, so that a barrier costs nothing. */
export function attentionThreads(device: DeviceTraits): number {
  return device.software ? 4 : 64;
}

/** Threads that norm, rotate and quantise a row or a head. On the software adapter as many as go in step, so that a barrier costs nothing. */
export function rowThreads(device: DeviceTraits): number {
  return device.software ? 4 : 64;
}

/** Threads that merge a row's chunks; on a GPU many, as there are few rows and they wait for memory. */
export function mergeThreads(device: DeviceTraits): number {
  return device.software ? 4 : 256;
}
