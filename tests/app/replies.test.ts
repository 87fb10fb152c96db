// Replies, with a stand-in engine behind them; what the page shows of them is tested in a browser.
import { expect, test, vi } from "vitest";
import type { ReplyStore } from "../../src/app/stores/replies";
import type { AssistantMessage } from "../../src/chats/schema";
import type { ChatStore } from "../../src/chats/store";
import { EngineError } from "../../src/protocol/errors";
import { build, until, workers } from "./fake/stores";

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

test("a reply whose message cannot be placed is over at once, and told to the one who sent it alone", async () => {
  const { chats, engine, replies } = build({ tokenMs: 5, reply: () => "word ".repeat(200) });
  await engine.start("");
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const id = await replies.send(null, "Go on");
  const { append } = chats;
  vi.spyOn(chats, "append").mockImplementation((...args) =>
    args[1].role === "user" ? append.apply(chats, args) : Promise.reject(new Error("full")),
  );
  await until(replies.written, ({ content }) => content !== "");
  await expect(replies.send(null, "Hello")).rejects.toThrow("full");
  expect(replies.jobs.get()).toMatchObject([{ conversation: id, phase: "writing" }]);
  expect(replies.written.get().content).toContain("word"); // of the reply that is at work
  replies.stop();
  await idle(replies);
  vi.mocked(chats.append).mockRestore();
  await replies.send(id, "And now?"); // is not held up
  replies.stop();
  await idle(replies);
  expect(await lastReply(chats, id)).toMatchObject({ end: "aborted" });
  expect(logged).not.toHaveBeenCalled();
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
