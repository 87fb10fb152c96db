import { describe, test } from "vitest";
import { gatedSilu } from "../../src/kernels/gated_silu";
import { gatedSiluReference } from "../../src/kernels/gated_silu.reference";
import { rotateQuantizeReference } from "../../src/kernels/rotate_quantize.reference";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { expectClose, expectQuantised, floatRows, int8Rows, rowShapes } from "./rows";

const bench = useGpu();

describe.each(rowShapes)("%i rows of %i, as for %s", (rows, width, kind) => {
  test("gated_silu, float and INT8", () =>
    bench.run(async (lab) => {
      const pair = randomFloats(rows * width * 2, 3).map((x) => x * 8);
      const rowsIn = { kind: "float", width: 2 * width, values: lab.upload(pair) } as const;
      const outputs = [floatRows(lab, rows, width), int8Rows(lab, rows, width)] as const;
      await lab.pass(
        outputs.map((output) => [gatedSilu("test", { input: rowsIn, output }, traits[kind])]),
        { rows, headRows: 0 },
      );
      const expected = gatedSiluReference(pair, width);
      expectClose(await lab.floats(outputs[0].values, rows * width), expected, 1e-6);
      await expectQuantised(lab, outputs[1], rotateQuantizeReference(expected, width));
    }));
});
