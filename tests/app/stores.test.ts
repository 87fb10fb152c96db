// The engine's and the replies' stores against a stand-in engine; what the page shows of them is tested in a browser.
import { afterEach, expect, test, vi } from "vitest";
import { EngineStore } from "../../src/app/stores/engine";
import { ReplyStore } from "../../src/app/stores/replies";
import type { Observable } from "../../src/chats/observable";
import type { AssistantMessage } from "../../src/chats/schema";
import { ChatStore } from "../../src/chats/store";
import { EngineError } from "../../src/protocol/errors";
import type { FakeOptions } from "./fake/handlers";
import { type FakeWorker, fakeWorker } from "./fake/worker";

const workers: FakeWorker[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const worker of workers.splice(0)) worker.terminate();
});

function build(options: FakeOptions = {}) {
  const chats = new ChatStore();
  chats.conversations.set([]);
  const engine = new EngineStore(
    () => {
      const worker = fakeWorker(options);
      workers.push(worker);
      return worker;
    },
    () => true,
  );
  return { chats, engine, replies: new ReplyStore(chats, engine) };
}

function until<T>(value: Observable<T>, holds: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds(value.get())) return;
      unsubscribe();
      resolve(value.get());
    };
    const unsubscribe = value.subscribe(look);
    look();
  });
}

const idle = (replies: ReplyStore) => until(replies.jobs, (jobs) => jobs.length === 0);

async function lastReply(chats: ChatStore, id: string): Promise<AssistantMessage> {
  const message = (await chats.transcript(id)).messages.at(-1);
  if (message?.role !== "assistant") throw new Error("the last message is not a reply");
  return message;
}

test("a message sent before the model is there is answered when it is", async () => {
  const { chats, engine, replies } = build({ loadMs: 30 });
  const starting = engine.start("");
  const id = await replies.send(null, "Hello there");
  expect(replies.jobs.get()).toMatchObject([{ conversation: id, phase: "model" }]);
  await starting;
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({
    content: "Hello. I am a fox in a box.",
    end: "stop",
    model: "Gyre demo",
    stats: { newTokens: 8 },
  });
  expect(chats.conversations.get()?.[0]?.title).toBe("Hello there");
  expect(replies.announcement.get()).toBe("Hello. I am a fox in a box.");
});

test("progress is seen, and the loaded model", async () => {
  const { engine } = build({ loadMs: 20 });
  const shares: number[] = [];
  engine.state.subscribe(() => {
    const state = engine.state.get();
    if (state.kind === "loading" && state.progress !== null) shares.push(state.progress.done / state.progress.total);
  });
  await engine.start("no such model");
  expect(shares.at(-1)).toBe(1);
  expect([...shares].sort((a, b) => a - b)).toEqual(shares);
  expect(engine.state.get()).toMatchObject({ kind: "ready", model: { entry: { id: "gyre-demo" } } });
  expect(engine.models.get()).toMatchObject([{ id: "gyre-demo", stored: true }]);
});

test("stopping keeps what was written and says so", async () => {
  const { chats, engine, replies } = build({ tokenMs: 5, reply: () => "word ".repeat(200) });
  await engine.start("");
  const id = await replies.send(null, "Go on");
  await until(replies.written, ({ content }) => content.length > 20);
  replies.stop(id);
  await idle(replies);
  const reply = await lastReply(chats, id);
  expect(reply).toMatchObject({ end: "aborted", error: null });
  expect(reply.content.length).toBeGreaterThan(20);
  expect(reply.content.length).toBeLessThan(900);
});

test("stopping a message that still waits for the model ends it at once", async () => {
  const { chats, replies } = build();
  const id = await replies.send(null, "Hello");
  replies.stop(id);
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({ content: "", end: "aborted", error: null });
});

test("a reply that is there is being worked at, from its first moment on", async () => {
  const { chats, replies } = build();
  const { id } = await chats.create("x");
  const messages = chats.messages(id);
  const seen: boolean[] = [];
  messages.subscribe(() => {
    const reply = messages.get()?.find(({ role }) => role === "assistant");
    if (reply !== undefined) seen.push(replies.jobs.get().some((job) => job.message === reply.id));
  });
  await replies.send(id, "Hello");
  expect(seen).toEqual([true]);
  replies.stop(id);
  await idle(replies);
});

test("replies in two conversations come one after the other, each into its own", async () => {
  const { chats, engine, replies } = build({ tokenMs: 2, reply: (messages) => `You said ${messages.at(-1)?.content}` });
  await engine.start("");
  const [a, b] = await Promise.all([replies.send(null, "apple"), replies.send(null, "banana")]);
  expect(replies.jobs.get().map((job) => job.phase)).toContain("turn");
  await idle(replies);
  expect((await lastReply(chats, a)).content).toBe("You said apple");
  expect((await lastReply(chats, b)).content).toBe("You said banana");
});

test("regenerating and editing replace what follows", async () => {
  const { chats, engine, replies } = build({ reply: (messages) => `${messages.length} ${messages.at(-1)?.content}` });
  await engine.start("");
  const id = await replies.send(null, "one");
  await idle(replies);
  const first = await lastReply(chats, id);
  await replies.regenerate(first);
  await idle(replies);
  const again = await lastReply(chats, id);
  expect(again.content).toBe("1 one");
  expect(again.seed).not.toBe(first.seed);
  const question = (await chats.transcript(id)).messages[0];
  if (question === undefined) throw new Error("no question");
  await replies.edit(question, "two");
  await idle(replies);
  expect((await chats.transcript(id)).messages.map((message) => message.content)).toEqual(["two", "1 two"]);
  expect(chats.conversations.get()?.[0]?.title).toBe("two");
});

test("editing while the reply is written stops that reply, and the new one follows", async () => {
  const { chats, engine, replies } = build({
    tokenMs: 5,
    reply: (messages) => (messages.at(-1)?.content === "one" ? "word ".repeat(2000) : "Done."),
  });
  await engine.start("");
  const id = await replies.send(null, "one");
  await until(replies.written, ({ content }) => content !== "");
  await chats.rename(id, "My own name");
  const question = (await chats.transcript(id)).messages[0];
  if (question === undefined) throw new Error("no question");
  await replies.edit(question, "two");
  await idle(replies);
  expect((await chats.transcript(id)).messages.map((message) => message.content)).toEqual(["two", "Done."]);
  expect(chats.conversations.get()?.[0]?.title).toBe("My own name");
});

test("a reply that cannot be ended does not hold up the next one", async () => {
  const { chats, engine, replies } = build();
  await engine.start("");
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(chats, "replace").mockRejectedValueOnce(new Error("no"));
  await replies.send(null, "one");
  await idle(replies);
  const id = await replies.send(null, "two");
  await idle(replies);
  expect((await lastReply(chats, id)).end).toBe("stop");
  expect(logged).toHaveBeenCalledOnce();
});

test("a reply keeps who proposed which of its words, and what speculation did", async () => {
  const { chats, engine, replies } = build();
  await engine.start("");
  const id = await replies.send(null, "x");
  await idle(replies);
  expect((await lastReply(chats, id)).origins).toEqual([
    ["model", 6],
    ["suffix", 5],
    ["ngram", 2],
    ["personal", 4],
    ["draft", 3],
    ["model", 2],
    ["suffix", 5],
  ]);
  expect((await lastReply(chats, id)).stats?.speculation?.tokensPerPass).toBe(2.4);
  await chats.saveSettings({ speculation: "off" });
  await replies.send(id, "y");
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({ origins: [["model", 27]], stats: { speculation: null } });
});

test("settings go into the request: system prompt, limit, fixed seed", async () => {
  const { chats, engine, replies } = build({ reply: (messages) => messages.map((message) => message.role).join(" ") });
  await engine.start("");
  await chats.saveSettings({ systemPrompt: "Be brief.", maxTokens: 1, seed: "7" });
  const id = await replies.send(null, "x");
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({ content: "system", end: "length", seed: "7" });
});

test("a message that is too long by itself is an error of its reply", async () => {
  const { chats, engine, replies } = build({ contextLength: 100 });
  await engine.start("");
  const id = await replies.send(null, "x".repeat(200));
  await idle(replies);
  expect((await lastReply(chats, id)).error).toMatchObject({ code: "context-full" });
});

test("a failed load is shown, fails what waits for it, and the next message tries again", async () => {
  let offline = true;
  const { chats, engine, replies } = build({ loadError: () => (offline ? new EngineError("network", "No network.") : null) });
  await engine.start("");
  expect(engine.state.get()).toMatchObject({ kind: "failed", error: { code: "network" } });
  const id = await replies.send(null, "Hello");
  await idle(replies);
  expect((await lastReply(chats, id)).error).toMatchObject({ code: "network", message: "No network." });
  offline = false;
  await replies.regenerate(await lastReply(chats, id));
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({ end: "stop", error: null });
});

test("a lost device ends the reply with what there was, and a restart brings the model back", async () => {
  const { chats, engine, replies } = build({ tokenMs: 5, reply: () => "word ".repeat(200) });
  await engine.start("");
  const id = await replies.send(null, "Go on");
  await until(replies.written, ({ content }) => content.length > 20);
  workers[0]?.host.fatal(new EngineError("device-lost", "The GPU went away."));
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({ end: null, error: { code: "device-lost" } });
  expect((await lastReply(chats, id)).content).toContain("word");
  expect(engine.state.get()).toMatchObject({ kind: "failed", error: { code: "device-lost" } });
  await engine.restart();
  expect(engine.state.get().kind).toBe("ready");
  expect(workers.map((worker) => worker.terminated)).toEqual([true, false]);
});

test("a worker that does not start is a failure that says so", async () => {
  const { engine } = build({ loadMs: 1000 });
  void engine.start("");
  workers[0]?.breakDown();
  expect(await until(engine.state, (state) => state.kind === "failed")).toMatchObject({
    error: { code: "internal", message: expect.stringContaining("could not start") },
  });
});

test("a worker that breaks down later is not said to have failed to start", async () => {
  const { engine } = build();
  await engine.start("");
  workers[0]?.breakDown();
  const state = engine.state.get();
  expect(state.kind === "failed" && state.error.message).toContain("broke down");
});

test("without WebGPU no worker is started", async () => {
  const engine = new EngineStore(
    () => {
      throw new Error("must not be called");
    },
    () => false,
  );
  await engine.start("");
  expect(engine.state.get()).toMatchObject({ kind: "failed", error: { code: "no-webgpu" } });
});

test("an imported folder can be loaded, and removing it brings the shipped model back", async () => {
  const { engine } = build();
  await engine.start("");
  const files = [{ path: "config.json", file: new Blob(["{}"]) }];
  const entry = await engine.import("Mine", files, "full");
  await engine.load(entry?.id ?? "");
  expect(engine.state.get()).toMatchObject({ kind: "ready", model: { entry: { name: "Mine", precision: "full" } } });
  await engine.remove("own-0");
  await until(engine.state, (state) => state.kind === "ready" && state.model.entry.shipped);
  expect(engine.models.get().map((model) => model.id)).toEqual(["gyre-demo"]);
});

test("a cancelled import ends without a complaint", async () => {
  const { engine } = build({ importMs: 1000 });
  await engine.start("");
  const importing = engine.import("Mine", [{ path: "config.json", file: new Blob(["{}"]) }], "full");
  await until(engine.importing, (now) => now !== null && now.progress !== null);
  engine.cancelImport();
  expect(await importing).toBeNull();
  expect(engine.importing.get()).toBeNull();
  expect(engine.importProblem.get()).toBeNull();
  expect(engine.models.get().map((model) => model.id)).toEqual(["gyre-demo"]);
});

test("an import that fails says which file, and leaves the loaded model alone", async () => {
  const { engine } = build();
  await engine.start("");
  const files = [{ path: "notes.txt", file: new Blob(["x"]) }];
  expect(await engine.import("Mine", files, "full")).toBeNull();
  expect(engine.importProblem.get()).toMatchObject({
    code: "model-missing",
    message: "config.json is not in this folder.",
    detail: "Mine",
  });
  expect(engine.importing.get()).toBeNull();
  await engine.import("Pictures", [], "full");
  expect(engine.importProblem.get()?.message).toContain("Pictures holds no model");
  expect(engine.state.get().kind).toBe("ready");
});

test("an engine that failed is not asked to forget; a fresh worker does, and is let go", async () => {
  const { engine } = build({ loadError: () => new EngineError("no-adapter", "There is no GPU.") });
  await engine.start("");
  expect(engine.state.get().kind).toBe("failed");
  await engine.forget({ measured: true });
  expect(workers.map((worker) => worker.terminated)).toEqual([false, true]);
  workers[0]?.host.fatal(new EngineError("device-lost", "gone"));
  await engine.forget();
  expect(workers).toHaveLength(3);
  expect(engine.state.get().kind).toBe("failed");
});
