import { describe, expect, test } from "vitest";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { rotateQuantizeReference } from "../../src/kernels/rotate_quantize.reference";
import { hadamardBlock } from "../../src/quantize/hadamard";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { expectQuantised, int8Rows, rowShapes } from "./rows";

const bench = useGpu();

describe.each(rowShapes)("%i rows of %i, as for %s", (rows, width, kind) => {
  const input = randomFloats(rows * width, 1);

  test("rotate_quantize", () =>
    bench.run(async (lab) => {
      const output = int8Rows(lab, rows, width);
      const step = rotateQuantize("test", { input: { kind: "float", width, values: lab.upload(input) }, output }, traits[kind]);
      await lab.pass([[step]], { rows, headRows: 0 });
      await expectQuantised(lab, output, rotateQuantizeReference(input.slice(), width));
    }));
});

test("an all-zero row has scale 1 and zero codes", () =>
  bench.run(async (lab) => {
    const output = int8Rows(lab, 2, 64);
    const input = randomFloats(128, 6).fill(0, 0, 64);
    const step = rotateQuantize("test", { input: { kind: "float", width: 64, values: lab.upload(input) }, output }, lab.gpu);
    await lab.pass([[step]], { rows: 2, headRows: 0 });
    const scales = await lab.floats(output.scales, 2);
    expect(scales[0]).toBe(1);
    expect(scales[1]).toBeLessThan(0.1);
    expect((await lab.bytes(output.codes, 64)).every((code) => code === 0)).toBe(true);
  }));

test("rotation spreads an outlier: the codes of the other values keep their precision", () =>
  bench.run(async (lab) => {
    const width = 1024;
    const input = randomFloats(width, 7);
    input[100] = 1000;
    const output = int8Rows(lab, 1, width);
    const step = rotateQuantize("test", { input: { kind: "float", width, values: lab.upload(input) }, output }, lab.gpu);
    await lab.pass([[step]], { rows: 1, headRows: 0 });
    const [scale = 0] = await lab.floats(output.scales, 1);
    // Unrotated, the scale would be 1000 / 127; spread over 1,024 values, the outlier adds 1000 / 32 to each.
    expect(scale).toBeLessThan(1000 / 127 / 20);
    expect(hadamardBlock(width)).toBe(1024);
  }));
