import { describe, expect, test } from "vitest";
import { embedFloat } from "../../src/kernels/embed_float";
import { embedFloatReference } from "../../src/kernels/embed_float.reference";
import type { FloatType } from "../../src/kernels/tensors";
import { widen } from "../../src/quantize/floats";
import { randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

const VOCABULARY = 7;
const tokens = Uint32Array.of(3, 0, 6, 3, 1); // the first and the last of the table, and one twice
const UNTOUCHED = 0x5a5a5a5a; // what Lab.output fills buffers with

/** A table as a checkpoint would store it: finite values, none so small that a GPU may flush them to zero. */
function tableBytes(type: FloatType, count: number): Uint8Array<ArrayBuffer> {
  const floats = randomFloats(count, 32);
  if (type === "F32") return new Uint8Array(floats.buffer);
  const halves = Uint16Array.from(new Uint32Array(floats.buffer), (word) => ((word >>> 3) & 0xbfff) | 0x0400);
  return new Uint8Array(halves.buffer);
}

describe.each(["F32", "F16", "BF16"] as const)("embed_float of %s", (type) => {
  test.each([64, 172, 1536])("gives the table's own values, width %i", (width) =>
    bench.run(async (lab) => {
      const bytes = tableBytes(type, VOCABULARY * width);
      const output = lab.output((tokens.length + 1) * width * 4);
      const step = embedFloat("test", {
        tokens: lab.upload(tokens),
        table: { kind: "float", type, inputs: width, outputs: VOCABULARY, weight: lab.upload(bytes) },
        output: { kind: "float", width, values: output },
      });
      await lab.pass([[step]], { rows: tokens.length, headRows: 0 });
      const expected = embedFloatReference(tokens, widen(bytes, type), width);
      expect(await lab.floats(output, expected.length)).toEqual(expected);
      const behind = (await lab.words(output, expected.length + width)).subarray(expected.length);
      expect(behind.every((word) => word === UNTOUCHED)).toBe(true);
    }),
  );

  test("of a part of the table only its own tokens are looked up", () =>
    bench.run(async (lab) => {
      const [width, first, count] = [64, 1, 3];
      const bytes = tableBytes(type, VOCABULARY * width);
      const rowBytes = bytes.length / VOCABULARY;
      const part = lab.upload(bytes.slice(first * rowBytes, (first + count) * rowBytes));
      const output = lab.output(tokens.length * width * 4);
      const table = { kind: "float", type, inputs: width, outputs: count, weight: part } as const;
      const step = embedFloat("test", { tokens: lab.upload(tokens), table, first, output: { kind: "float", width, values: output } });
      await lab.pass([[step]], { rows: tokens.length, headRows: 0 });
      const untouched = (await lab.floats(lab.output(4), 1))[0];
      const whole = embedFloatReference(tokens, widen(bytes, type), width);
      const mine = (i: number) => [1, 2, 3].includes(tokens[Math.floor(i / width)] ?? -1);
      expect(await lab.floats(output, whole.length)).toEqual(whole.map((x, i) => (mine(i) ? x : (untouched ?? Number.NaN))));
    }));
});
