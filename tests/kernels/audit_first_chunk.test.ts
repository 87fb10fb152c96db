// A prompt's rows in the first chunk of keys are shared out among workgroups like any others.
import { expect, test } from "vitest";
import { attention, partialsBytes } from "../../src/kernels/attention";
import { ropeAppend } from "../../src/kernels/rope_append";
import { randomFloats, useGpu } from "../setup/gpu";
import { AttentionLayer } from "./attention_layer";

const bench = useGpu();

test.each([
  [64, 0],
  [64, 48],
  [64, 100], // into a second chunk
])("%i rows at %i: no workgroup makes what another one is there for", (rows, position) =>
  bench.run(async (lab) => {
    const layer = new AttentionLayer(
      lab,
      { type: "int8", heads: 4, kvHeads: 2, headDim: 64, rotaryDim: 64, norm: false, context: 256 },
      256,
    );
    const input = randomFloats((position + rows) * layer.inputWidth, 3);
    await lab.pass([[ropeAppend("test", layer.append(input))]], { rows: position + rows, headRows: 0 });
    const bytes = partialsBytes(4, layer.cache, 256);
    const partials = lab.output(bytes);
    const step = { batch: lab.batch, queries: layer.queries, cache: layer.cache, scale: 0.125, partials };
    const dispatch = attention("test", step, { packedDot: true, software: false });
    const [x, y] = dispatch.grid({ rows, headRows: 0, position });
    expect(y).toBe(32); // a workgroup a tile of four queries
    // Only the first tile's workgroups run.
    await lab.pass(
      [
        [ropeAppend("test", layer.append(input.slice(position * layer.inputWidth)))].map((d) => d),
        [{ ...dispatch, grid: () => [x, 1, 1] as const }],
      ],
      { rows, headRows: 0 },
      position,
    );
    const words = await lab.words(partials, rows * 4 * 68);
    const written = Array.from({ length: rows * 4 }, (_, entry) => words[entry * 68] !== 0x5a5a5a5a).filter(Boolean).length;
    expect(written).toBe(4 * 2); // four queries of each of two kv heads
  }),
);
