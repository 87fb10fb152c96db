// A draw on the GPU, against reading the row's logits back and drawing on the host.
import { test } from "vitest";
import { sampleThreads } from "../../src/kernels/policy";
import { SAMPLING_BYTES, sample, writeSampling } from "../../src/kernels/sample";
import { sampleReference } from "../../src/kernels/sample.reference";
import { randomFloats, useGpu } from "../setup/gpu";
import { greedy } from "../setup/models";
import { compare } from "./compare";
import { wayOf } from "./passes";

const bench = useGpu();
const settings = {
  greedy,
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
      const pass = { rows: 1, headRows: 1, position: 10 };
      const usual = sampleThreads(lab.gpu);
      const draws = await Promise.all(
        [
          { threads: usual, candidates: 1 },
          { threads: usual, candidates: 4 },
          { threads: 64, candidates: 1 },
        ].map(({ threads, candidates }) =>
          wayOf(lab, `${threads} threads, ${candidates} candidates`, [[sample("sample", { ...common, threads, candidates })]], pass),
        ),
      );
      for (const [name, params] of Object.entries(settings)) {
        lab.memory.write(sampling, 0, new Uint8Array(writeSampling(params)));
        const host = async () => {
          const read = new Float32Array(await lab.read(buffer));
          sampleReference(read, new Uint32Array(vocabulary), params, 11);
        };
        // Each draw scales the logits it finds, so they are written anew; the host's way has that to do as well.
        const fresh = (run: () => Promise<void>) => () => {
          lab.memory.write(buffer, 0, logits);
          return run();
        };
        const ways = draws.map((way) => ({ name: way.name, run: fresh(way.run) }));
        await compare(`vocabulary ${vocabulary}, ${name}, on ${lab.gpu.name}`, [
          { name: "read back, drawn on the host", run: fresh(host) },
          ...ways,
        ]);
      }
    }
  }));
