import fc from "fast-check";
import { expect, test } from "vitest";
import { narrowToBF16, widen } from "../../src/quantize/floats";

function bytesOf(array: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const F16_CASES: readonly (readonly [code: number, value: number])[] = [
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -24], // the smallest subnormal
  [0x03ff, 1023 * 2 ** -24], // the largest subnormal
  [0x8200, -(2 ** -15)],
  [0x0400, 2 ** -14], // the smallest normal
  [0x3c00, 1],
  [0x3c01, 1 + 2 ** -10],
  [0xc000, -2],
  [0x7bff, 65504],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
];

test.each(F16_CASES)("f16 code %i widens to %f", (code, value) => {
  expect(widen(bytesOf(Uint16Array.of(code)), "F16")[0]).toBe(value);
});

test("every f16 code widens to the value that its sign, exponent and fraction spell", () => {
  const codes = Uint16Array.from({ length: 65536 }, (_, code) => code);
  const values = widen(bytesOf(codes), "F16");
  for (let code = 0; code < 65536; code += 1) {
    const sign = code & 0x8000 ? -1 : 1;
    const exponent = (code >> 10) & 31;
    const fraction = code & 1023;
    const finite = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    const special = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    if (!Object.is(values[code], sign * (exponent === 31 ? special : finite))) throw new Error(`code ${code} gave ${values[code]}`);
  }
});

test("bf16 widens by a shift, and narrows back to the same code", () => {
  const codes = Uint16Array.from({ length: 65536 }, (_, code) => code);
  const values = widen(bytesOf(codes), "BF16");
  expect(values[0x3f80]).toBe(1);
  expect(values[0xff80]).toBe(Number.NEGATIVE_INFINITY);
  const back = narrowToBF16(values);
  const changed = codes.filter((code, i) => back[i] !== code && !Number.isNaN(values[i]));
  expect(changed).toHaveLength(0);
  expect(values.filter((value, i) => Number.isNaN(value) !== Number.isNaN(widen(bytesOf(back.slice(i, i + 1)), "BF16")[0]))).toHaveLength(
    0,
  );
});

test("narrowing takes the nearest bf16, and of two equally near ones the even code", () => {
  expect([...narrowToBF16(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, Number.NaN))]).toEqual([0x3f80, 0x3f82, 0x7f80, 0x7fc0]);
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, max: Math.fround(3.3e38), min: Math.fround(-3.3e38) }), (value) => {
      const code = narrowToBF16(Float32Array.of(value))[0]!;
      const distance = (other: number) => Math.abs(widen(bytesOf(Uint16Array.of(other)), "BF16")[0]! - value);
      for (const neighbour of [code - 1, code + 1]) {
        if ((neighbour & 0x7fff) >= 0x7f80 || (neighbour & 0x8000) !== (code & 0x8000)) continue;
        expect(distance(code)).toBeLessThanOrEqual(distance(neighbour));
        if (distance(code) === distance(neighbour)) expect(code & 1).toBe(0);
      }
    }),
  );
});

test("bytes that start anywhere are read alike", () => {
  fc.assert(
    fc.property(fc.array(fc.float(), { maxLength: 20 }), fc.integer({ min: 0, max: 7 }), (values, shift) => {
      const source = bytesOf(Float32Array.from(values));
      const shifted = new Uint8Array(source.length + shift);
      shifted.set(source, shift);
      expect(widen(shifted.subarray(shift), "F32")).toEqual(Float32Array.from(values));
      expect(widen(shifted.subarray(shift), "BF16")).toEqual(widen(source, "BF16"));
      expect(widen(shifted.subarray(shift), "F16")).toEqual(widen(source, "F16"));
    }),
  );
});
