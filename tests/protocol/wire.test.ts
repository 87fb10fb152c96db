// Client and host over a real MessageChannel, as page and worker would be.
import { afterEach, expect, test } from "vitest";
import { Client } from "../../src/protocol/client";
import { EngineError } from "../../src/protocol/errors";
import { type Handlers, type Host, serve } from "../../src/protocol/host";
import type { ChatEvent, ChatRequest, LoadProgress, ModelEntry, ReplyStats } from "../../src/protocol/messages";

const stats: ReplyStats = {
  promptTokens: 3,
  cachedTokens: 0,
  newTokens: 2,
  forgottenMessages: 0,
  firstTokenMs: 5,
  decodeTokensPerSecond: 10,
  passes: 2,
  speculation: null,
};
const request = (content: string): ChatRequest => ({
  messages: [{ role: "user", content }],
  sampling: {
    temperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    seed: 2n ** 64n - 1n,
  },
  maxTokens: 4,
  stop: [],
  speculation: "auto",
  personal: true,
});
const unused = () => Promise.reject(new EngineError("internal", "not part of this test"));
const open: MessagePort[] = [];

function connect(handlers: Partial<Handlers>, onFatal?: (error: EngineError) => void): { client: Client; host: Host } {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  const host = serve(port2, {
    models: unused,
    load: unused,
    import: unused,
    remove: unused,
    chat: unused,
    personal: unused,
    forget: unused,
    ...handlers,
  });
  const client = new Client(port1, onFatal);
  port1.start();
  port2.start();
  return { client, host };
}

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Says its prompt again, a word at a time, until it is stopped. */
const echo: Handlers["chat"] = async (args, { signal, emit }) => {
  for (const word of (args.messages[0]?.content ?? "").split(" ")) {
    if (signal.aborted) {
      emit({ type: "end", reason: "aborted", stats });
      return stats;
    }
    emit({ type: "text", text: word, origin: "model" });
    await pause(2);
  }
  emit({ type: "end", reason: "stop", stats });
  return stats;
};

test("a call resolves with its result, after its events in order", async () => {
  const entry = { id: "demo" } as ModelEntry;
  const { client } = connect({
    load: async ({ id }, { emit }) => {
      for (const done of [1, 2, 3]) emit({ phase: "download", done, total: 3 });
      return {
        entry: { ...entry, id },
        contextLength: 8,
        defaults: request("").sampling,
        adapter: "",
        loadMs: 1,
        weightBytes: 1,
        cacheBytes: 1,
        exact: true,
        scratchBytes: 1,
      };
    },
  });
  const events: LoadProgress[] = [];
  const loaded = await client.call("load", { id: "demo" }, { onEvent: (event) => events.push(event) });
  expect(loaded.entry.id).toBe("demo");
  expect(events.map((event) => event.done)).toEqual([1, 2, 3]);
});

test("an error keeps its code, message and detail", async () => {
  const { client } = connect({ remove: () => Promise.reject(new EngineError("storage-failed", "The disk said no.", "sector 7")) });
  const error = await client.call("remove", { id: "x" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EngineError);
  expect((error as EngineError).toMessage()).toEqual({ code: "storage-failed", message: "The disk said no.", detail: "sector 7" });
});

test("what is not an EngineError arrives as internal", async () => {
  const { client } = connect({ models: () => Promise.reject(new TypeError("oh")) });
  await expect(client.call("models", null)).rejects.toMatchObject({ code: "internal", message: "oh" });
});

test("a chat streams text, ends, and carries a 64-bit seed across", async () => {
  let seed = 0n;
  const { client } = connect({
    chat: (args, context) => {
      seed = args.sampling.seed;
      return echo(args, context);
    },
  });
  const events: ChatEvent[] = [];
  for await (const event of client.chat(request("one two three"))) events.push(event);
  expect(events.map((event) => (event.type === "text" ? event.text : event.reason))).toEqual(["one", "two", "three", "stop"]);
  expect(seed).toBe(2n ** 64n - 1n);
});

test("two streams run interleaved and do not mix", async () => {
  const { client } = connect({ chat: echo });
  const order: string[] = [];
  const read = async (content: string) => {
    const words: string[] = [];
    for await (const event of client.chat(request(content)))
      if (event.type === "text") {
        words.push(event.text);
        order.push(event.text);
      }
    return words.join(" ");
  };
  expect(await Promise.all([read("a1 a2 a3 a4"), read("b1 b2 b3 b4")])).toEqual(["a1 a2 a3 a4", "b1 b2 b3 b4"]);
  expect(order.indexOf("b1")).toBeLessThan(order.indexOf("a4"));
});

test("an abort in mid-stream reaches the worker, and the end says so", async () => {
  const { client } = connect({ chat: echo });
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const event of client.chat(request("word ".repeat(500).trim()), stop.signal)) {
    seen.push(event.type === "text" ? event.text : event.reason);
    if (seen.length === 3) stop.abort();
  }
  expect(seen.at(-1)).toBe("aborted");
  expect(seen.length).toBeLessThan(100);
});

test("leaving the loop aborts the reply", async () => {
  let aborted = false;
  const { client } = connect({
    chat: async (args, context) => {
      const result = await echo(args, context);
      aborted = context.signal.aborted;
      return result;
    },
  });
  for await (const _ of client.chat(request("word ".repeat(500).trim()))) break;
  expect(aborted).toBe(true);
});

test("a handler that fails after an abort rejects with the signal's reason", async () => {
  const { client } = connect({
    load: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new EngineError("network", "cut off")))),
  });
  const stop = new AbortController();
  const call = client.call("load", { id: "demo" }, { signal: stop.signal });
  await pause(5);
  stop.abort();
  await expect(call).rejects.toMatchObject({ name: "AbortError" });
});

test("an aborted signal sends nothing", async () => {
  let calls = 0;
  const { client } = connect({
    models: async () => {
      calls++;
      return [];
    },
  });
  await expect(client.call("models", null, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  expect(await client.call("models", null)).toEqual([]);
  expect(calls).toBe(1);
});

test("fatal rejects what is pending and what comes later, and is told once", async () => {
  const told: string[] = [];
  const { client, host } = connect({ models: () => new Promise(() => {}) }, (error) => told.push(error.code));
  const pending = client.call("models", null);
  const stream = client.chat(request("x")).next();
  host.fatal(new EngineError("device-lost", "The GPU went away."));
  host.fatal(new EngineError("device-lost", "The GPU went away."));
  await expect(pending).rejects.toMatchObject({ code: "device-lost" });
  await expect(stream).rejects.toBeInstanceOf(EngineError);
  await expect(client.call("models", null)).rejects.toMatchObject({ code: "device-lost" });
  await pause(5);
  expect(told).toEqual(["device-lost"]);
});

test("arguments that cannot be cloned are an error of the call, not a hang", async () => {
  const { client } = connect({ models: async () => [] });
  const unclonable = (() => {}) as unknown as null;
  await expect(client.call("models", unclonable)).rejects.toBeInstanceOf(EngineError);
  expect(await client.call("models", null)).toEqual([]);
});
