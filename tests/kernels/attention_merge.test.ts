import { describe, expect, test } from "vitest";
import { CHUNK } from "../../src/kernels/attention";
import { attentionMerge } from "../../src/kernels/attention_merge";
import { attentionMergeReference, type ChunkPartial } from "../../src/kernels/attention_merge.reference";
import { rotateQuantizeReference } from "../../src/kernels/rotate_quantize.reference";
import type { CacheType, KvCache } from "../../src/kernels/tensors";
import { hadamard, hadamardBlock } from "../../src/quantize/hadamard";
import { type Lab, randomFloats, traits, useGpu } from "../setup/gpu";
import { expectClose, expectQuantised, floatRows, int8Rows } from "./rows";

const bench = useGpu();
const devices = Object.values(traits);

interface Task {
  readonly type: CacheType;
  readonly heads: number;
  readonly headDim: number;
  readonly position: number; // of the first of two rows
  readonly window?: number;
}

/** Random partial results of two rows, as attention stores them, and what they merge to: [rows, heads, headDim]. */
function partialsOf({ heads, headDim, position, window = Number.POSITIVE_INFINITY }: Task) {
  const rows = 2;
  const chunks = Math.ceil((position + rows) / CHUNK);
  const entry = headDim + 4;
  const stored = randomFloats(rows * heads * chunks * entry, 81);
  const merged: number[] = [];
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(Math.max(0, position + row + 1 - window) / CHUNK);
    const last = Math.floor((position + row) / CHUNK);
    for (let head = 0; head < heads; head++) {
      const parts: ChunkPartial[] = [];
      for (let chunk = 0; chunk < chunks; chunk++) {
        const at = ((row * heads + head) * chunks + chunk) * entry;
        const top = (stored[at + headDim] ?? 0) * 20;
        const total = 1 + Math.abs(stored[at + headDim + 1] ?? 0);
        // What a row does not see must not matter.
        const seen = chunk >= first && chunk <= last;
        stored.set(seen ? [top, total, 0, 0] : [1e30, Number.NaN, Number.NaN, Number.NaN], at + headDim);
        if (seen) parts.push({ top: Math.fround(top), total: Math.fround(total), mixed: [...stored.subarray(at, at + headDim)] });
      }
      merged.push(...attentionMergeReference(parts));
    }
  }
  return { rows, stored, merged: Float32Array.from(merged) };
}

function cacheOf(lab: Lab, { type, headDim }: Task): KvCache {
  return { type, kvHeads: 1, headDim, context: 4096, entries: lab.output(4), scales: lab.output(4) };
}

const tasks: readonly Task[] = [
  { type: "int8", heads: 4, headDim: 64, position: 0 },
  { type: "int8", heads: 16, headDim: 64, position: 126 }, // the rows reach into one chunk and two
  { type: "int8", heads: 9, headDim: 8, position: 700 },
  { type: "int8", heads: 3, headDim: 24, position: 300 },
  { type: "int8", heads: 32, headDim: 64, position: 900 },
  { type: "int8", heads: 9, headDim: 256, position: 300 }, // wider than the workspace
  { type: "int8", heads: 4, headDim: 128, position: 2100, window: 512 },
  { type: "f32", heads: 5, headDim: 12, position: 2100 },
];

describe.each(tasks)("$heads heads of $headDim from $type caches, from position $position", (task) => {
  test.each(devices)("rows of floats, still rotated within the heads, software $software", (device) =>
    bench.run(async (lab) => {
      const { rows, stored, merged } = partialsOf(task);
      const output = floatRows(lab, rows, task.heads * task.headDim);
      const step = { ...task, batch: lab.batch, partials: lab.upload(stored), cache: cacheOf(lab, task), output };
      await lab.pass([[attentionMerge("test", step, device)]], { rows, headRows: 0 }, task.position);
      expectClose(await lab.floats(output.values, merged.length), merged, 2e-6);
    }),
  );

  test.each(devices)("rows of INT8, turned back and rotated for the next layer, software $software", (device) =>
    bench.run(async (lab) => {
      const { rows, stored, merged } = partialsOf(task);
      const width = task.heads * task.headDim;
      const output = int8Rows(lab, rows, width);
      const step = { ...task, batch: lab.batch, partials: lab.upload(stored), cache: cacheOf(lab, task), output };
      await lab.pass([[attentionMerge("test", step, device)]], { rows, headRows: 0 }, task.position);
      const block = task.type === "int8" ? hadamardBlock(task.headDim) : 1;
      hadamard(merged, block);
      const turned = merged.map((x) => x / Math.sqrt(block));
      await expectQuantised(lab, output, rotateQuantizeReference(turned, width));
    }),
  );
});

test("a width that is not the heads' is refused", () =>
  bench.run(async (lab) => {
    const [task] = tasks;
    if (!task) throw new Error("no tasks");
    const step = { ...task, batch: lab.batch, partials: lab.output(16), cache: cacheOf(lab, task), output: floatRows(lab, 1, 100) };
    expect(() => attentionMerge("test", step, lab.gpu)).toThrow("test: output width is 100, expected 256");
  }));
