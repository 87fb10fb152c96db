// A draw on the GPU, by one workgroup or by many that share the row, against reading the row's logits back and drawing on the host.
import { test } from "vitest";
import { SAMPLING_BYTES, sample, sampleSlices, thresholdsOf, writeSampling } from "../../src/kernels/sample";
import { sampleReference } from "../../src/kernels/sample.reference";
import { randomFloats, useGpu } from "../setup/gpu";
import { greedy } from "../setup/models";
import { compare } from "./compare";
import { wayOf } from "./passes";

const bench = useGpu();
const settings = {
  greedy,
  "temperature 0.7": { ...greedy, temperature: 0.7, seed: 5n },
  "temperature 0.7, top-k 50, top-p 0.9": { ...greedy, temperature: 0.7, topK: 50, topP: 0.9, seed: 5n },
};

test("sample", () =>
  bench.run(async (lab) => {
    for (const vocabulary of [65_536, 262_144]) {
      const logits = randomFloats(vocabulary, 1).map((x) => x * 12);
      const buffer = lab.upload(logits);
      const counts = lab.upload(new Uint32Array(vocabulary));
      const sampling = lab.memory.uniform("sampling", SAMPLING_BYTES);
      const [sampled, tokens] = [lab.output(16), lab.upload(new Uint32Array(1))];
      const common = { batch: lab.batch, sampling, logits: buffer, vocabulary, live: vocabulary, counts, sampled, tokens };
      const sliced = sampleSlices(lab.memory, 1, vocabulary, 2048);
      for (const [name, params] of Object.entries(settings)) {
        lab.memory.write(sampling, 0, new Uint8Array(writeSampling(params)));
        const pass = { rows: 1, headRows: 1, position: 10, thresholds: thresholdsOf(params) };
        const draws = await Promise.all(
          [{ candidates: 1 }, { candidates: 4 }, { candidates: 1, sliced }].map((variant) => {
            const steps = sample("sample", { ...common, ...variant }, lab.gpu).map((step) => [step]);
            return wayOf(lab, `${variant.candidates} candidates, ${variant.sliced ? "slices of 2,048" : "one workgroup"}`, steps, pass);
          }),
        );
        const host = async () => {
          const read = new Float32Array(await lab.read(buffer));
          sampleReference(read, new Uint32Array(vocabulary), params, 11);
        };
        // Each draw scales the logits it finds, so they are written anew; the host's way has that to do as well.
        const fresh = (run: (times: number) => Promise<void>) => async (times: number) => {
          for (let i = 0; i < times; i++) {
            lab.memory.write(buffer, 0, logits);
            await run(1);
          }
        };
        const ways = draws.map((way) => ({ name: way.name, run: fresh(way.run) }));
        await compare(`vocabulary ${vocabulary}, ${name}, on ${lab.gpu.name}`, [
          { name: "read back, drawn on the host", run: fresh(host) },
          ...ways,
        ]);
      }
    }
  }));
