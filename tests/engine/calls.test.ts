// What a token costs besides the GPU's work: one submit, one readback, and nothing allocated or looked up.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { countCalls } from "../setup/counted";
import { useGpu } from "../setup/gpu";
import { greedy, openFixture } from "../setup/models";

const bench = useGpu();

test.each(["lfm2-gqa4-bf16", "llama-tied-bf16"])("%s: a decoded token is one submit and one readback", (name) =>
  bench.run(async ({ gpu }) => {
    const engine = await Engine.load(gpu, await openFixture(name), { precision: "w8a8", maxRows: 8, contextLength: 64 });
    const request = { tokens: [5, 6, 7], sampling: { ...greedy, temperature: 0.8 }, maxTokens: 40, endTokens: new Set<number>() };
    let pipelineLookups = 0;
    const get = gpu.pipelines.get.bind(gpu.pipelines);
    gpu.pipelines.get = (...args) => {
      pipelineLookups++;
      return get(...args);
    };
    const calls = countCalls(gpu.device);
    const reply = engine.generate(request);
    // The readbacks' buffers are made while the first tokens are drawn.
    for (let i = 0; i < 4; i++) await reply.next();
    const before = calls.now();
    const tokens = 30;
    for (let i = 0; i < tokens; i++) expect((await reply.next()).done).toBe(false);
    const after = calls.now();
    await reply.return("aborted");
    calls.stop();
    gpu.pipelines.get = get;
    const during = Object.fromEntries(Object.entries(after).map(([call, count]) => [call, count - before[call as keyof typeof before]]));
    expect(during).toEqual({
      createBuffer: 0,
      createBindGroup: 0,
      createComputePipelineAsync: 0,
      createShaderModule: 0,
      submit: tokens,
      mapAsync: tokens,
    });
    expect(pipelineLookups).toBe(0);
    engine.dispose();
  }),
);

test("the pass behind a token is submitted before the token's id is read", () =>
  bench.run(async ({ gpu }) => {
    const engine = await Engine.load(gpu, await openFixture("llama-tied-bf16"), { precision: "w8a8", maxRows: 8, contextLength: 64 });
    const calls = countCalls(gpu.device);
    const reply = engine.generate({ tokens: [5, 6, 7], sampling: greedy, maxTokens: 9, endTokens: new Set<number>() });
    for (let given = 0; given < 5; given++) await reply.next();
    expect(calls.atReads.slice(0, 5)).toEqual([2, 3, 4, 5, 6]);
    await reply.return("aborted");
    calls.stop();
    engine.dispose();
  }));

test("a prompt's pass is one submit too, and a second reply allocates nothing", () =>
  bench.run(async ({ gpu }) => {
    const engine = await Engine.load(gpu, await openFixture("lfm2-gqa4-bf16"), { precision: "w8a8", maxRows: 8, contextLength: 64 });
    const request = (from: number) => ({
      tokens: Array.from({ length: 20 }, (_, i) => from + i),
      sampling: greedy,
      maxTokens: 3,
      endTokens: new Set<number>(),
    });
    for await (const _ of engine.generate(request(1))) void _;
    const calls = countCalls(gpu.device);
    for await (const _ of engine.generate(request(2))) void _;
    // Three passes of the prompt, of which the last draws; two more tokens; and the states are cleared.
    const { submit, mapAsync, ...rest } = calls.stop();
    expect(submit).toBe(5 + 1);
    expect(mapAsync).toBe(3);
    expect(rest).toEqual({ createBuffer: 0, createBindGroup: 0, createComputePipelineAsync: 0, createShaderModule: 0 });
    engine.dispose();
  }));
