// What flows between kernels: GPU buffers with the shape and the meaning of what they hold.

/** Rows of f32. */
export interface FloatRows {
  readonly kind: "float";
  readonly width: number;
  readonly values: GPUBuffer; // f32 [rows, width]
}

/** Rows rotated and quantised: random signs, Hadamard blocks, INT8 codes with one scale a row (see quantize/int8.ts). */
export interface Int8Rows {
  readonly kind: "int8";
  readonly width: number;
  readonly codes: GPUBuffer; // INT8 [rows, width padded to 16]
  readonly scales: GPUBuffer; // f32 [rows]
  readonly signs: GPUBuffer; // bits [width]
  readonly norm?: RowNorm; // a pass of one row leaves codes and scales as they are: products take the row from here
}

/** What a product of one row needs to make its codes itself. */
export interface RowNorm {
  readonly input: FloatRows;
  readonly weight: GPUBuffer; // f32 [width]
  readonly epsilon: number;
}

export type Rows = FloatRows | Int8Rows;

export type FloatType = "F32" | "F16" | "BF16";

/** Weights as a checkpoint stores them. */
export interface FloatMatrix {
  readonly kind: "float";
  readonly type: FloatType;
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: GPUBuffer; // [outputs, inputs]
}

/** Weights rotated along their inputs and quantised, one scale an output. */
export interface Int8Matrix {
  readonly kind: "int8";
  readonly inputs: number;
  readonly outputs: number;
  readonly codes: GPUBuffer; // INT8 [outputs, inputs padded to 16]
  readonly scales: GPUBuffer; // f32 [outputs]
}

/** The same in INT4, with whole scales for groups of 32 inputs beside; see quantize/int4.ts. */
export interface Int4Matrix {
  readonly kind: "int4";
  readonly inputs: number;
  readonly outputs: number;
  readonly codes: GPUBuffer; // half a byte each, [outputs, inputs padded to 16]
  readonly groups: GPUBuffer; // scale - 1, half a byte a group, [outputs, groups padded to 8]
  readonly scales: GPUBuffer; // f32 [outputs]
}

export type QuantisedMatrix = Int8Matrix | Int4Matrix;

export type Matrix = FloatMatrix | QuantisedMatrix;

/** How keys and values are kept. */
export type CacheType = "int8" | "f32";

/** Keys and values of one layer, by kv head and position. */
export interface KvCache {
  readonly type: CacheType;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly context: number; // positions
  readonly entries: GPUBuffer; // [keys and values, kvHeads, context, headDim]
  readonly scales: GPUBuffer | null; // f32 [keys and values, kvHeads, context]; INT8 only
}

/** Queries on their way from rope_append to attention; f32, or INT8 codes with the scale's bits behind each head. */
export interface Queries {
  readonly heads: number;
  readonly buffer: GPUBuffer; // [rows, heads, headDim] (INT8: headDim / 4 + 1 words a head)
}

/** Bytes of a query head as it is stored. */
export function queryBytes(type: CacheType, headDim: number): number {
  return type === "int8" ? headDim + 4 : headDim * 4;
}

/** Bytes of a key or value as it is cached, without its scale. */
export function cacheEntryBytes(type: CacheType, headDim: number): number {
  return headDim * { int8: 1, f32: 4 }[type];
}
