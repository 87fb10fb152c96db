import { expect, test } from "vitest";
import { NO_TOKEN } from "../../src/kernels/sample";
import { candidatesReference } from "../../src/kernels/sample.reference";
import { traits, useGpu } from "../setup/gpu";
import { draw, plain, shapes } from "./sampler";

const bench = useGpu();

test("a drafter's candidates are the next best by the same score, and none where the filters left no more", () =>
  bench.run(async (lab) => {
    const vocabulary = 512;
    const rows = 4;
    for (const logits of [shapes["random"]!(rows * vocabulary, vocabulary), shapes["equal"]!(rows * vocabulary, vocabulary)]) {
      for (const setting of [{}, { temperature: 0 }, { topK: 2 }, { topK: 3, topP: 0.5 }, { minP: 0.3, temperature: 0.5 }]) {
        for (const [candidates, device] of [
          [4, traits.software],
          [3, traits.gpu],
        ] as const) {
          const task = { logits, vocabulary, params: { ...plain, ...setting }, position: 31, candidates, device };
          const wanted = Array.from({ length: rows }, (_, row) => {
            const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
            const all = candidatesReference(own, new Uint32Array(vocabulary), task.params, 31 + row);
            return Array.from({ length: candidates }, (__, i) => all[i] ?? NO_TOKEN);
          });
          expect({ setting, tokens: await draw(lab, task) }).toEqual({ setting, tokens: wanted.flat() });
        }
      }
    }
  }));
