// The tuner as an engine uses it, on this device.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import type { Tuning, TuningStore } from "../../src/engine/tuning";
import { candidates, defaultChoices } from "../../src/kernels/policy";
import { useGpu } from "../setup/gpu";
import { logitsOf, openFixture } from "../setup/models";

const bench = useGpu();

class Kept implements TuningStore {
  readonly tunings = new Map<string, unknown>();
  async get(key: string) {
    return this.tunings.get(key);
  }
  async put(key: string, tuning: Tuning) {
    this.tunings.set(key, JSON.parse(JSON.stringify(tuning)));
  }
}

const options = { maxRows: 16, maxHeadRows: 16, contextLength: 64 } as const;
const tokens = [5, 9, 14, 3, 30, 7];

test("the first load measures and keeps; the next takes what was kept; the numbers are the same as without", () =>
  bench.run(async () => {
    const checkpoint = await openFixture("llama-tied-bf16");
    const plain = await Engine.load(bench.gpu, checkpoint, { ...options, precision: "w8a8" });
    expect(plain.tuning).toEqual({ choices: defaultChoices(bench.gpu), costs: [] });

    const tunings = new Kept();
    const first = await Engine.load(bench.gpu, checkpoint, { ...options, precision: "w8a8", tunings });
    expect([...tunings.tunings.values()]).toEqual([first.tuning]);
    expect(first.tuning.costs[0]?.rows).toBe(1);
    expect(first.tuning.costs.map(({ rows }) => rows)).toEqual(
      [1, 2, 4, 8, 16].filter((rows) => first.tuning.costs.some((cost) => cost.rows === rows)),
    );
    for (const { ms } of first.tuning.costs) expect(ms).toBeGreaterThan(0);

    // Something that no measurement would give, so that it must come from the store.
    const [key = ""] = tunings.tunings.keys();
    const rare = {
      choices: { ...first.tuning.choices, dot: candidates(bench.gpu).dot.at(-1)!, few: "alone" },
      costs: [{ rows: 1, ms: 12345 }],
    };
    tunings.tunings.set(key, rare);
    const second = await Engine.load(bench.gpu, checkpoint, { ...options, precision: "w8a8", tunings });
    expect(second.tuning).toEqual(rare);

    const expected = await logitsOf(plain, tokens, 3);
    expect(await logitsOf(first, tokens, 3)).toEqual(expected);
    expect(await logitsOf(second, tokens, 3)).toEqual(expected);
    for (const engine of [plain, first, second]) engine.dispose();
  }));

test("another precision or another model's shapes are kept under another key, the same under the same", () =>
  bench.run(async () => {
    const tunings = new Kept();
    const keysAfter = async (name: string, precision: "full" | "w8a8") => {
      (await Engine.load(bench.gpu, await openFixture(name), { ...options, precision, tunings })).dispose();
      return tunings.tunings.size;
    };
    expect(await keysAfter("llama-tied-bf16", "full")).toBe(1);
    expect(await keysAfter("llama-tied-bf16", "w8a8")).toBe(2);
    expect(await keysAfter("llama-sharded-f32", "w8a8")).toBe(3);
    expect(await keysAfter("llama-tied-bf16", "w8a8")).toBe(3);
  }));

test("a store that fails is done without", () =>
  bench.run(async () => {
    const broken: TuningStore = {
      get: () => Promise.reject(new Error("no storage")),
      put: () => Promise.reject(new Error("no storage")),
    };
    const engine = await Engine.load(bench.gpu, await openFixture("llama-tied-bf16"), { ...options, precision: "w8a8", tunings: broken });
    expect(engine.tuning.costs.length).toBeGreaterThan(0);
    engine.dispose();
  }));
