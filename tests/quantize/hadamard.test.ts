import fc from "fast-check";
import { expect, test } from "vitest";
import { hadamard, hadamardBlock, MAX_BLOCK } from "../../src/quantize/hadamard";

const blocks = Array.from({ length: 11 }, (_, bits) => 2 ** bits);

test.each([
  [1, 1],
  [7, 1],
  [30, 2],
  [172, 4],
  [24, 8],
  [576, 64],
  [960, 64],
  [256, 256],
  [4608, 512],
  [1536, 512],
  [1024, 1024],
  [8192, 1024],
])("a row of %i has blocks of %i", (width, block) => {
  expect(hadamardBlock(width)).toBe(block);
});

test("a block is a power of two that divides the width, and the next larger one does not or is too large", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300_000 }), (width) => {
      const block = hadamardBlock(width);
      expect(Math.log2(block) % 1).toBe(0);
      expect(width % block).toBe(0);
      expect(block === MAX_BLOCK || width % (2 * block) !== 0).toBe(true);
    }),
  );
});

test("the transform of blocks of four is the matrix of Walsh and Hadamard", () => {
  const columns = Array.from({ length: 4 }, (_, i) => {
    const unit = new Float32Array(4);
    unit[i] = 1;
    hadamard(unit, 4);
    return [...unit];
  });
  expect(columns).toEqual([
    [1, 1, 1, 1],
    [1, -1, 1, -1],
    [1, 1, -1, -1],
    [1, -1, -1, 1],
  ]);
});

// Codes are small enough that no sum of 1,024 of them loses a bit, nor a sum of 1,024 such sums.
const codes = (count: number) => fc.array(fc.integer({ min: -8, max: 8 }), { minLength: count, maxLength: count });
const blockAndCodes = fc.constantFrom(...blocks).chain((block) => fc.tuple(fc.constant(block), codes(2 * block)));

test("twice the transform multiplies whole numbers by the block, exactly", () => {
  fc.assert(
    fc.property(blockAndCodes, ([block, values]) => {
      const x = Float32Array.from(values);
      hadamard(x, block);
      hadamard(x, block);
      expect(x).toEqual(Float32Array.from(values, (value) => value * block + 0));
    }),
  );
});

test("the square of the norm grows by the block, exactly for whole numbers", () => {
  fc.assert(
    fc.property(blockAndCodes, ([block, values]) => {
      const squares = (x: Iterable<number>) => [...x].reduce((sum, value) => sum + value * value, 0);
      const x = Float32Array.from(values);
      hadamard(x, block);
      expect(squares(x)).toBe(squares(values) * block);
    }),
  );
});

test("blocks do not touch each other", () => {
  fc.assert(
    fc.property(blockAndCodes, ([block, values]) => {
      const both = Float32Array.from(values);
      hadamard(both, block);
      const second = Float32Array.from(values.slice(block));
      hadamard(second, block);
      expect(both.slice(block)).toEqual(second);
    }),
  );
});
