// What a token costs in dispatches, and that norms folded into products change no bit of it.
import { expect, test } from "vitest";
import { Runner } from "../../src/engine/runner";
import { defaultChoices } from "../../src/kernels/policy";
import { parseModel } from "../../src/models/registry";
import { useGpu } from "../setup/gpu";
import { openFixture } from "../setup/models";

const bench = useGpu();

async function load(name: string, norm: "folded" | "apart"): Promise<{ runner: Runner; vocabulary: number }> {
  const checkpoint = await openFixture(name);
  const model = parseModel(checkpoint.config);
  const { vocabularySize: vocabulary } = model.shape;
  const runner = await Runner.load(bench.gpu, model, checkpoint, {
    precision: "w8a8",
    choices: { ...defaultChoices(bench.gpu), norm },
    cacheType: "int8",
    context: 64,
    maxRows: 4,
    maxHeadRows: 4,
    live: vocabulary,
    onWeights: () => {},
    onCompiled: () => {},
  });
  return { runner, vocabulary };
}

/** Dispatches of each layer of a pass, by the names of their kernels. */
function layersOf(runner: Runner, rows: number): string[][] {
  const layers: string[][] = [];
  for (const { dispatch } of runner.dispatches({ rows, headRows: 1 })) {
    const layer = /^model\.layers\.(\d+)\./.exec(dispatch.label)?.[1];
    if (layer !== undefined) (layers[Number(layer)] ??= []).push(dispatch.shader.name);
  }
  return layers;
}

const attention = ["linear_row", "rope_append", "attention", "attention_merge", "linear_row"];
const convolution = ["linear_row", "short_conv", "linear_row"];
const feedForward = ["linear_row", "gated_silu", "linear_row"];

test.each(["lfm2-odd-heads-f16", "llama-tied-bf16"])("%s: at most 8 dispatches a layer and token, and equal bits", (name) =>
  bench.run(async () => {
    const folded = await load(name, "folded");
    const apart = await load(name, "apart");
    const layers = layersOf(folded.runner, 1);
    expect(layers.length).toBeGreaterThan(1);
    for (const layer of layers) {
      expect(layer.length).toBeLessThanOrEqual(8);
      expect(layer).toEqual([...(layer.includes("attention") ? attention : convolution), ...feedForward]);
    }
    expect(layersOf(apart.runner, 1).map(({ length }) => length)).toEqual(layers.map(({ length }) => length + 2));
    expect(layersOf(folded.runner, 3)).toEqual(layersOf(apart.runner, 3));

    const passes = [
      { rows: 3, headRows: 1, position: 0, tokens: [5, 9, 14] }, // the head alone has one row
      { rows: 1, headRows: 1, position: 3, tokens: [3] },
      { rows: 1, headRows: 1, position: 4, tokens: [30] },
      { rows: 2, headRows: 2, position: 5, tokens: [7, 8] },
    ];
    for (const pass of passes) {
      const expected = await apart.runner.logits(pass, apart.vocabulary);
      expect(expected.some((x) => x !== 0)).toBe(true);
      expect(await folded.runner.logits(pass, folded.vocabulary)).toEqual(expected);
    }
    for (const { runner } of [folded, apart]) runner.dispose();
  }),
);
