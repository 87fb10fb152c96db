// What W8A8 costs a model with outlier channels, with rotation and without it. TEXT=FILE: along the file's first tokens.
import { test } from "vitest";
import { compareLogits, givenText, goldenTexts, logitsAlong } from "../setup/divergence";
import { useGpu } from "../setup/gpu";
import { fixture, openFixture } from "../setup/models";
import { plantedModel } from "../setup/outliers";

const bench = useGpu();
const TOKENS = 256;

test("outliers", async () => {
  const along = (await givenText(fixture("stories260k"), TOKENS)) ?? (await goldenTexts());
  const exact = await logitsAlong(bench.gpu, await openFixture("stories260k"), "full", along);
  console.log(`\n| channels, scaled up by | KL, nats a token: without, with | top-1 | of ${exact.length} tokens |\n|---|---|---|---|`);
  for (const width of [64, 256, 1024] as const) {
    for (const factor of [1, 30, 100, 1000]) {
      const score = async (more: 0 | 1) =>
        compareLogits(await logitsAlong(bench.gpu, await plantedModel({ factor, width, more }), "w8a8", along), exact);
      const [plain, rotated] = [await score(1), await score(0)];
      const pair = (of: (score: typeof plain) => number) => `${of(plain).toPrecision(3)}, ${of(rotated).toPrecision(3)}`;
      const gain = (plain.divergence / rotated.divergence).toPrecision(3);
      console.log(`| ${width}, x${factor} | ${pair((s) => s.divergence)} | ${pair((s) => s.agreement)} | ${gain} times |`);
    }
  }
});
