import { expect, test } from "vitest";
import { kvCommit } from "../../src/kernels/kv_commit";
import { kvCommitReference } from "../../src/kernels/kv_commit.reference";
import { cacheEntryBytes } from "../../src/kernels/tensors";
import { randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

const paths = [[0], [0, 1, 2], [0, 3], [0, 2, 3, 7, 8, 15], [0, ...Array.from({ length: 7 }, (_, i) => i + 9)]] as const;

test.each([
  ["int8", 8, 4],
  ["int8", 256, 1],
  ["f32", 24, 2],
  ["f32", 256, 1],
] as const)("%s, heads of %i, %i of them: kept keys, values and scales move, all others stay", (type, headDim, kvHeads) =>
  bench.run(async (lab) => {
    const context = 40;
    const root = 24; // the tree's last row fits exactly
    const width = cacheEntryBytes(type, headDim);
    const slots = 2 * kvHeads * context;
    for (const accepted of paths) {
      const entries = Int8Array.from(randomFloats(slots * width, 61), (x) => x * 127);
      const scales = randomFloats(slots, 62);
      const cache = {
        ...{ type, kvHeads, headDim, context, entries: lab.upload(entries) },
        scales: type === "int8" ? lab.upload(scales) : null,
      };
      const position = root + accepted.length;
      await lab.pass([[kvCommit("test", { batch: lab.batch, cache })]], { rows: 1, headRows: 0, accepted }, position);
      for (let head = 0; head < 2 * kvHeads; head++) {
        const part = <T extends Int8Array | Float32Array>(all: T, size: number) =>
          all.subarray(head * context * size, (head + 1) * context * size) as T;
        kvCommitReference(part(entries, width), width, root, accepted);
        kvCommitReference(part(scales, 1), 1, root, accepted);
      }
      expect(await lab.bytes(cache.entries, entries.length)).toEqual(entries);
      if (cache.scales) expect(await lab.floats(cache.scales, scales.length)).toEqual(scales);
    }
  }),
);
