// INT4 weights in every product that reads them: what the shaders make of the packed codes is what expandInt4 makes.
import { expect, test } from "vitest";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { linearInt8Reference } from "../../src/kernels/linear_int8.reference";
import { type Choices, defaultChoices } from "../../src/kernels/policy";
import { expandInt4, int4CodeBytes, int4GroupBytes, rotateQuantizeInt4 } from "../../src/quantize/int4";
import { rotateQuantize } from "../../src/quantize/int8";
import { randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

const hardware = { packedDot: true, software: false };
// An odd number of vectors, the last one in part; nine whole groups and a half, so two words of group scales a row.
const [WIDTH, OUTPUTS] = [301, 37];

const weights = rotateQuantizeInt4(randomFloats(OUTPUTS * WIDTH, 61), WIDTH);
// The first rows at their limits: codes of 7 and -7 under the largest scale, and of both under the smallest.
for (const [row, code, scale] of [
  [0, 0xff, 0xff],
  [1, 0x11, 0xff],
  [2, 0xf1, 0x00],
] as const) {
  weights.codes.fill(code, row * int4CodeBytes(WIDTH), row * int4CodeBytes(WIDTH) + (WIDTH - (WIDTH % 8)) / 2);
  weights.groups.fill(scale, row * int4GroupBytes(WIDTH), (row + 1) * int4GroupBytes(WIDTH));
}

test.each([
  ["one", "alone", 1],
  ["one", "lanes8", 1],
  ["one", "lanes32", 1],
  ["few", "alone", 2],
  ["few", "alone", 5],
  ["few", "lanes16x2", 16],
  ["many", "tile32", 35],
  ["many", "tile64", 35],
] as const)("%s by %s: sums of %i rows are those of the INT8 codes that INT4 amounts to", (part, name, rows) =>
  bench.run(async (lab) => {
    const input = rotateQuantize(randomFloats(rows * WIDTH, 62), WIDTH);
    input.codes.fill(127, 0, WIDTH);
    const bias = new Float32Array(OUTPUTS); // so that nothing is rounded which a multiply-add may round or not
    const expected = linearInt8Reference(input, expandInt4(weights, WIDTH), bias, WIDTH);
    for (const dot of name === "tile64" || name === "lanes32" ? (["packed"] as const) : (["packed", "unpacked", "masked"] as const)) {
      const choices: Choices = { ...defaultChoices(hardware), dot, [part]: name };
      const output = lab.output(rows * OUTPUTS * 4);
      const step = linearInt8(
        "test",
        {
          batch: lab.batch,
          input: { kind: "int8", width: WIDTH, codes: lab.upload(input.codes), scales: lab.upload(input.scales), signs: lab.output(16) },
          matrix: {
            kind: "int4",
            inputs: WIDTH,
            outputs: OUTPUTS,
            codes: lab.upload(weights.codes),
            groups: lab.upload(weights.groups),
            scales: lab.upload(weights.scales),
          },
          bias: lab.upload(bias),
          output: { kind: "float", width: OUTPUTS, values: output },
        },
        { ...hardware, choices },
      );
      const shape = { rows, headRows: 0 };
      await lab.pass([step.filter(({ fits }) => fits?.(shape)).slice(0, 1)], shape); // to compile only what is run
      const actual = await lab.floats(output, rows * OUTPUTS);
      const off = actual.findIndex((y, i) => y !== expected[i]);
      expect(off < 0 ? "all" : [off, actual[off]], dot).toEqual(off < 0 ? "all" : [off, expected[off]]);
    }
  }),
);
