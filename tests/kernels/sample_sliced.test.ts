import { describe, expect, test } from "vitest";
import { type SamplingParams, sample, sampleSlices, thresholdsOf } from "../../src/kernels/sample";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { draw, expected, penalties, plain, randomCounts, sampler, settings, shapes } from "./sampler";

const bench = useGpu();

describe("workgroups that share a row", () => {
  test.each([{ vocabulary: 1001, live: 998, rows: 3, slice: 64, device: traits.software, candidates: 4 }])(
    "draw what one draws: $rows rows of $vocabulary, slices of $slice",
    ({ vocabulary, rows, slice, ...task }) =>
      bench.run(async (lab) => {
        const counts = randomCounts(vocabulary);
        const large = vocabulary > 4096;
        for (const shape of ["random", large ? "equal" : "with ties"]) {
          const logits = shapes[shape]!(rows * vocabulary, vocabulary);
          for (const [name, setting] of large ? settings.filter(([name]) => name.length > 12 || name === "top-p 0.95") : settings) {
            const common = { ...task, logits, vocabulary, counts, params: { ...plain, ...setting }, position: 40 };
            const wanted = await draw(lab, common);
            expect({ shape, name, tokens: await draw(lab, { ...common, slice }) }).toEqual({ shape, name, tokens: wanted });
          }
        }
      }),
  );

  test("draw what the reference draws from the largest vocabulary", () =>
    bench.run(async (lab) => {
      const vocabulary = 2 ** 18;
      const logits = randomFloats(vocabulary, 6).map((x) => x * 12);
      const counts = randomCounts(vocabulary);
      for (const setting of [{ minP: 0.001 }, { ...penalties, topK: 50, topP: 0.9, temperature: 0.7 }]) {
        const task = { logits, vocabulary, counts, params: { ...plain, ...setting }, position: 9 };
        expect({ setting, tokens: await draw(lab, { ...task, slice: 2048, device: traits.gpu }) }).toEqual({
          setting,
          tokens: expected(task),
        });
      }
    }));

  test("count a single row's draw", () =>
    bench.run(async (lab) => {
      const vocabulary = 1001;
      const logits = randomFloats(vocabulary, 9).map((x) => x * 6);
      // The pipelines of the first test above.
      const task = { live: 998, slice: 64, device: traits.software, candidates: 4 };
      const one = sampler(lab, { ...task, logits, vocabulary, counts: new Uint32Array(vocabulary), params: plain });
      const [token = 0] = await one.draw(11);
      expect(Array.from(await lab.words(one.counts, vocabulary))).toEqual(Array.from(logits, (_, i) => Number(i === token)));
    }));

  test("take only as many dispatches as the settings ask for", () =>
    bench.run(async (lab) => {
      const buffer = lab.output(16);
      const buffers = { batch: buffer, sampling: buffer, logits: buffer, counts: buffer, sampled: buffer, tokens: buffer };
      const sliced = sampleSlices(lab.memory, 1, 4096, 1024);
      const steps = sample("test", { ...buffers, vocabulary: 4096, live: 4096, sliced }, lab.gpu);
      const taken = (setting: Partial<SamplingParams>) => {
        const shape = { rows: 1, headRows: 1, thresholds: thresholdsOf({ ...plain, ...setting }) };
        return steps.filter((step) => step.grid(shape)[0] > 0).length;
      };
      const settings = [{ temperature: 0, topK: 5 }, { minP: 0.1 }, { topK: 5 }, { topP: 0.9 }, { topK: 5, topP: 0.9 }];
      expect(settings.map(taken)).toEqual([2, 2, 6, 6, 10]);
      expect(() => sample("test", { ...buffers, vocabulary: 4096, live: 4096, sliced: { ...sliced, size: 30 } }, lab.gpu)).toThrow(
        "slices of 30",
      );
    }));
});
