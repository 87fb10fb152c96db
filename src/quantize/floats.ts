// Checkpoints store bf16 and f16; everything here computes in f32. JavaScript has no bf16 array and Float16Array is not in every browser
// yet.

export type FloatDtype = "F32" | "F16" | "BF16";

/**
 * Little-endian `bytes` of the given type as f32; exact for every value, NaN included. May share memory with `bytes` where they are F32
 * already.
 */
export function widen(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDtype): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case "F32": {
      const aligned = align(bytes, 4);
      return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
    }
    case "BF16": {
      const words = halves(bytes);
      const bits = new Uint32Array(words.length);
      for (let i = 0; i < words.length; i += 1) bits[i] = (words[i] ?? 0) << 16;
      return new Float32Array(bits.buffer);
    }
    case "F16": {
      const words = halves(bytes);
      halfTable ??= buildHalfTable();
      const bits = new Uint32Array(words.length);
      for (let i = 0; i < words.length; i += 1) bits[i] = halfTable[words[i] ?? 0] ?? 0;
      return new Float32Array(bits.buffer);
    }
    default:
      throw new RangeError(`widen: ${String(dtype satisfies never)} is not a float type`);
  }
}

/** The bf16 nearest to each value, ties to the even code; a NaN stays a NaN. Returns the 16-bit codes. */
export function narrowToBF16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const codes = new Uint16Array(values.length);
  for (let i = 0; i < codes.length; i += 1) {
    const word = bits[i] ?? 0;
    // A NaN whose payload lies in the dropped half would round to infinity, so its quiet bit is set instead.
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    codes[i] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return codes;
}

let halfTable: Uint32Array | undefined; // [65536] f32 bits of every f16 code, 256 KiB, built on first use

function buildHalfTable(): Uint32Array {
  const table = new Uint32Array(65536);
  for (let code = 0; code < 65536; code += 1) table[code] = halfToFloatBits(code);
  return table;
}

function halfToFloatBits(code: number): number {
  const sign = (code & 0x8000) << 16;
  const exponent = (code >>> 10) & 0x1f;
  const fraction = code & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal f16 is a normal f32: shift its highest set bit up to the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function halves(bytes: Uint8Array<ArrayBuffer>): Uint16Array {
  const aligned = align(bytes, 2);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 1);
}

/** Typed arrays need an aligned start; a slice of a file may have any. */
function align(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}
