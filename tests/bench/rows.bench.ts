// Rows that are made, rotated and quantised in one dispatch, against one that makes them and one that rotates and quantises.
import { test } from "vitest";
import { gatedSilu } from "../../src/kernels/gated_silu";
import { rmsNorm } from "../../src/kernels/rms_norm";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { floatRows, int8Rows } from "../kernels/rows";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { wayOf, waysByThreads } from "./passes";

const bench = useGpu();

test("rows", () =>
  bench.run(async (lab) => {
    for (const [rows, width] of [
      [1, 1024],
      [8, 1024],
      [1, 4608],
      [64, 1024],
    ] as const) {
      const input = { kind: "float", width: 2 * width, values: lab.upload(randomFloats(rows * 2 * width, 1)) } as const;
      const [middle, output] = [floatRows(lab, rows, width), int8Rows(lab, rows, width)];
      const norm = { batch: lab.batch, input: { ...input, width }, weight: lab.upload(randomFloats(width, 2)), epsilon: 1e-5 };
      const pass = { rows, headRows: 0, position: 0 };
      const rotate = [rotateQuantize("rotate", { input: middle, output }, lab.gpu)];
      await compare(`${rows} rows of ${width}, on ${lab.gpu.name}`, [
        await wayOf(lab, "rms_norm, rotate_quantize", [[rmsNorm("norm", { ...norm, output: middle }, lab.gpu)], rotate], pass),
        ...(await waysByThreads(lab, "rms_norm into INT8", (device) => rmsNorm("norm", { ...norm, output }, device), pass)),
        await wayOf(lab, "gated_silu, rotate_quantize", [[gatedSilu("gated", { input, output: middle }, lab.gpu)], rotate], pass),
        ...(await waysByThreads(lab, "gated_silu into INT8", (device) => gatedSilu("gated", { input, output }, device), pass)),
      ]);
    }
  }));
