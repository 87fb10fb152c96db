// That the next pass is under way when a token is given out: calls.test.ts counts the same submits where each waits for the last one's id.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { countCalls } from "../setup/counted";
import { useGpu } from "../setup/gpu";
import { greedy, openFixture } from "../setup/models";

const bench = useGpu();

test("the pass behind a token is submitted before its id is read", () =>
  bench.run(async ({ gpu }) => {
    const engine = await Engine.load(gpu, await openFixture("llama-tied-bf16"), { precision: "w8a8", maxRows: 8, contextLength: 64 });
    const calls = countCalls(gpu.device);
    const reply = engine.generate({ tokens: [5, 6, 7], sampling: greedy, maxTokens: 9, endTokens: new Set<number>() });
    for (let given = 1; given <= 5; given++) {
      await reply.next();
      expect(calls.now().submit).toBe(given + 1);
    }
    await reply.return("aborted");
    calls.stop();
    engine.dispose();
  }));
