import { expect, test } from "vitest";
import { embedInt8 } from "../../src/kernels/embed_int8";
import { embedInt8Reference } from "../../src/kernels/embed_int8.reference";
import { rotateQuantize } from "../../src/quantize/int8";
import { signBits } from "../../src/quantize/signs";
import { randomFloats, traits, useGpu } from "../setup/gpu";

const bench = useGpu();

const VOCABULARY = 7;
const tokens = Uint32Array.of(3, 0, 6, 3, 1); // the first and the last of the table, and one twice
const UNTOUCHED = 0x5a5a5a5a; // what Lab.output fills buffers with

// Blocks of 64, 4, 256, 1,024 and 512; parts of a chunk, whole chunks, and several with a last one in part.
test.each([
  [64, "gpu"],
  [172, "software"],
  [256, "gpu"],
  [1024, "software"],
  [1536, "gpu"],
  [4608, "software"],
] as const)("embed_int8, width %i, as for %s", (width, kind) =>
  bench.run(async (lab) => {
    const table = rotateQuantize(randomFloats(VOCABULARY * width, 31), width);
    const output = lab.output((tokens.length + 1) * width * 4);
    const step = {
      tokens: lab.upload(tokens),
      table: { kind: "int8", inputs: width, outputs: VOCABULARY, codes: lab.upload(table.codes), scales: lab.upload(table.scales) },
      signs: lab.upload(signBits(width)),
      output: { kind: "float", width, values: output },
    } as const;
    await lab.pass([[embedInt8("test", step, traits[kind])]], { rows: tokens.length, headRows: 0 });
    const expected = embedInt8Reference(tokens, table, width);
    const actual = await lab.floats(output, expected.length);
    actual.forEach((x, i) => {
      // Sums and order are the reference's; the scale is a rounding or two away.
      const wanted = expected[i] ?? Number.NaN;
      expect(Math.abs(x - wanted)).toBeLessThanOrEqual(1e-6 * Math.abs(wanted));
    });
    const behind = (await lab.words(output, expected.length + width)).subarray(expected.length);
    expect(behind.every((word) => word === UNTOUCHED)).toBe(true);
  }),
);
