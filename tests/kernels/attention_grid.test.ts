// How a pass's rows are shared out among workgroups, which results do not show: only what each of them leaves does.
import { expect, test } from "vitest";
import { attention, partialsBytes } from "../../src/kernels/attention";
import { ropeAppend } from "../../src/kernels/rope_append";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { AttentionLayer } from "./attention_layer";

const bench = useGpu();
const UNTOUCHED = 0x5a5a5a5a; // what Lab.output fills buffers with
const [HEADS, KV_HEADS, HEAD_DIM, CONTEXT, ROWS] = [4, 2, 64, 256, 64];

test.each([
  ["in the first chunk of keys", 0],
  ["at that chunk's end", 48],
  ["into a second chunk", 100],
])("a prompt's 64 rows %s: each workgroup makes a tile of its own", (_, position) =>
  bench.run(async (lab) => {
    const shape = { heads: HEADS, kvHeads: KV_HEADS, headDim: HEAD_DIM, rotaryDim: HEAD_DIM, norm: false, context: CONTEXT };
    const layer = new AttentionLayer(lab, { type: "int8", ...shape }, CONTEXT);
    const input = randomFloats((position + ROWS) * layer.inputWidth, 3);
    await lab.pass([[ropeAppend("test", layer.append(input), lab.gpu)]], { rows: position + ROWS, headRows: 0 });
    const partials = lab.output(partialsBytes(HEADS, layer.cache, CONTEXT));
    const step = { batch: lab.batch, queries: layer.queries, cache: layer.cache, scale: 0.125, partials };
    const dispatch = attention("test", step, traits.gpu);
    const [kvHeads, tiles] = dispatch.grid({ rows: ROWS, headRows: 0, position });
    expect([kvHeads, tiles]).toEqual([KV_HEADS, (ROWS * HEADS) / KV_HEADS / 4]);
    // Only the first tile's workgroups run.
    const alone = { ...dispatch, grid: () => [kvHeads, 1, 1] as const };
    const appended = ropeAppend("test", layer.append(input.slice(position * layer.inputWidth)), lab.gpu);
    await lab.pass([[appended], [alone]], { rows: ROWS, headRows: 0 }, position);
    const entry = HEAD_DIM + 4;
    const words = await lab.words(partials, ROWS * HEADS * entry);
    const made = Array.from({ length: ROWS * HEADS }, (_, i) => i).filter((i) => words[i * entry] !== UNTOUCHED);
    expect(made).toHaveLength(4 * KV_HEADS);
  }),
);
