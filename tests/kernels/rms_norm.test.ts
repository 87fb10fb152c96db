import { describe, expect, test } from "vitest";
import { rmsNorm } from "../../src/kernels/rms_norm";
import { rmsNormReference } from "../../src/kernels/rms_norm.reference";
import { rotateQuantizeReference } from "../../src/kernels/rotate_quantize.reference";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { expectClose, expectQuantised, floatRows, int8Rows, rowShapes } from "./rows";

const bench = useGpu();

describe.each(rowShapes)("%i rows of %i, as for %s", (rows, width, kind) => {
  const input = randomFloats(rows * width, 1);

  test("rms_norm, float and INT8", () =>
    bench.run(async (lab) => {
      const weight = randomFloats(width, 2);
      const rowsIn = { kind: "float", width, values: lab.upload(input) } as const;
      const outputs = [floatRows(lab, rows, width), int8Rows(lab, rows, width)] as const;
      const norm = { batch: lab.batch, input: rowsIn, weight: lab.upload(weight), epsilon: 1e-5 };
      const steps = outputs.map((output) => [rmsNorm("test", { ...norm, output }, traits[kind])]);
      await lab.pass(steps, { rows, headRows: 0 });
      const expected = rmsNormReference(input, weight, 1e-5);
      expectClose(await lab.floats(outputs[0].values, rows * width), expected, 1e-6);
      await expectQuantised(lab, outputs[1], rotateQuantizeReference(expected, width));
    }));
});

test("rms_norm of the rows that want logits takes the last ones", () =>
  bench.run(async (lab) => {
    const [rows, headRows, width] = [5, 2, 32];
    const input = randomFloats(rows * width, 4);
    const weight = randomFloats(width, 5);
    const output = floatRows(lab, headRows, width);
    const rowsIn = { kind: "float", width, values: lab.upload(input) } as const;
    const norm = { batch: lab.batch, input: rowsIn, weight: lab.upload(weight), epsilon: 1e-5, output, head: true };
    await lab.pass([[rmsNorm("test", norm, lab.gpu)]], { rows, headRows });
    const expected = rmsNormReference(input.subarray((rows - headRows) * width), weight, 1e-5);
    expectClose(await lab.floats(output.values, headRows * width), expected, 1e-6);
  }));

test("a row has the same bits whether many threads or few make it", () =>
  bench.run(async (lab) => {
    const [rows, width] = [2, 172];
    const [values, weight] = [lab.upload(randomFloats(rows * width, 6)), lab.upload(randomFloats(width, 7))];
    const norm = { batch: lab.batch, input: { kind: "float", width, values }, weight, epsilon: 1e-5 } as const;
    const made = Object.values(traits).map((device) => ({ device, output: floatRows(lab, rows, width) }));
    await lab.pass(
      made.map(({ device, output }) => [rmsNorm("test", { ...norm, output }, device)]),
      { rows, headRows: 0 },
    );
    const [first, second] = await Promise.all(made.map(({ output }) => lab.floats(output.values, rows * width)));
    expect(second).toEqual(first);
  }));
