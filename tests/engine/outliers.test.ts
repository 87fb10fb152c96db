// What rotation buys a whole model whose norms have outlier channels: W8A8 with it and without, against full precision.
import { beforeAll, expect, test } from "vitest";
import { parseModel } from "../../src/models/registry";
import { hadamardBlock } from "../../src/quantize/hadamard";
import { compareLogits, goldenTexts, logitsAlong } from "../setup/divergence";
import { useGpu } from "../setup/gpu";
import { openFixture } from "../setup/models";
import { type Planting, plantedModel } from "../setup/outliers";

const bench = useGpu();
const WIDTH = 256; // as the model that ships has
const TOKENS = 64;

let text: readonly number[] = [];
let exact: readonly Float32Array[] = []; // the model's own logits, in full precision

beforeAll(async () => {
  text = (await goldenTexts())[0]?.slice(0, TOKENS) ?? [];
  exact = await logitsAlong(bench.gpu, await openFixture("stories260k"), "full", [text]);
});

test.each([0, 4] as const)("three channels of each norm scaled up by 1,000, and %i more: it computes what the model does", (more) =>
  bench.run(async () => {
    const planted = await logitsAlong(bench.gpu, await plantedModel({ factor: 1000, width: WIDTH, more }), "full", [text]);
    const apart = planted.flatMap((row, i) => Array.from(row, (x, j) => Math.abs(x - exact[i]![j]!)));
    expect(apart.reduce((most, x) => Math.max(most, x))).toBeLessThan(1e-4);
  }),
);

test("with one channel more nothing is rotated where outliers are planted", async () => {
  const { config } = await plantedModel({ factor: 1, width: WIDTH, more: 1 });
  const rotated = parseModel(config).linears.filter(({ inputs }) => hadamardBlock(inputs) > 1);
  expect(new Set(rotated.map(({ names }) => names[0]?.split(".").at(-1)))).toEqual(new Set(["o_proj"]));
});

const score = async (planting: Planting) =>
  compareLogits(await logitsAlong(bench.gpu, await plantedModel(planting), "w8a8", [text]), exact);

test.each([
  { factor: 30, gain: 4 },
  { factor: 100, gain: 10 },
  { factor: 1000, gain: 1.4 },
] as const)("three channels of each norm scaled up by $factor: rotation divides the divergence by $gain at least", ({ factor, gain }) =>
  bench.run(async () => {
    const plain = await score({ factor, width: WIDTH, more: 1 });
    const rotated = await score({ factor, width: WIDTH, more: 0 });
    expect(plain.divergence).toBeGreaterThan(gain * rotated.divergence);
    expect(rotated.agreement).toBeGreaterThan(plain.agreement);
  }),
);
