import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ChatDatabase } from "../../src/chats/database";
import type { NewMessage } from "../../src/chats/schema";
import { ChatStore } from "../../src/chats/store";

const stores: ChatStore[] = [];
const channels: BroadcastChannel[] = [];

async function openStore(): Promise<ChatStore> {
  const channel = new BroadcastChannel("gyre-chats-test");
  const store = new ChatStore(channel);
  await store.open();
  stores.push(store);
  channels.push(channel);
  return store;
}

const user = (content: string, created = Date.now()): NewMessage => ({ role: "user", content, created });
const reply = (content: string, created = Date.now()): NewMessage => ({
  role: "assistant",
  content,
  created,
  end: "stop",
  stats: null,
  error: null,
  model: "demo",
  seed: "18446744073709551615",
});
const contents = async (store: ChatStore, id: string) => (await store.transcript(id)).messages.map((message) => message.content);
/** Waits for what another tab's message leads to. */
const settled = (look: () => void) => vi.waitFor(look, { timeout: 20_000, interval: 10 });

beforeEach(() => {
  indexedDB = new IDBFactory();
});

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const channel of channels.splice(0)) channel.close();
});

test("a conversation and its messages survive a reload", async () => {
  const first = await openStore();
  const { id } = await first.create("Foxes");
  await first.append(id, user("Tell me"));
  await first.append(id, reply("Once"));
  const second = await openStore();
  expect(second.conversations.get()?.map((one) => one.title)).toEqual(["Foxes"]);
  expect(await contents(second, id)).toEqual(["Tell me", "Once"]);
  expect(second.messages(id).get()?.at(1)).toMatchObject({ role: "assistant", end: "stop", seed: "18446744073709551615" });
});

test("the list is ordered by the last message", async () => {
  const store = await openStore();
  const now = Date.now();
  const a = await store.create("a");
  const b = await store.create("b");
  await store.append(b.id, user("x", now + 10));
  await store.append(a.id, user("y", now + 20));
  expect(store.conversations.get()?.map((one) => one.title)).toEqual(["a", "b"]);
  expect((await (await ChatDatabase.open()).list()).map((one) => one.title)).toEqual(["a", "b"]);
});

test("two tabs that write to one conversation both keep what they wrote", async () => {
  const one = await openStore();
  const { id } = await one.create("shared");
  const two = await openStore();
  await one.transcript(id);
  await two.transcript(id);
  await Promise.all([one.append(id, user("from one")), two.append(id, user("from two"))]);
  await settled(() => {
    for (const store of [one, two]) expect(store.messages(id).get()).toHaveLength(2);
  });
  expect((await contents(one, id)).sort()).toEqual(["from one", "from two"]);
  expect(await contents(two, id)).toEqual(await contents(one, id));
  const positions = one
    .messages(id)
    .get()
    ?.map((message) => message.position);
  expect(positions).toEqual([0, 1]);
});

test("a tab sees a rename and a deletion in another, and settings too", async () => {
  const one = await openStore();
  const two = await openStore();
  const { id } = await one.create("old");
  await one.rename(id, "new");
  await one.saveSettings({ theme: "dark" });
  await settled(() => {
    expect(two.conversations.get()?.map((entry) => entry.title)).toEqual(["new"]);
    expect(two.settings.get().theme).toBe("dark");
  });
  await two.remove(id);
  await settled(() => expect(one.conversations.get()).toEqual([]));
});

test("a reply that ends after its conversation was deleted elsewhere does not bring it back", async () => {
  const one = await openStore();
  const { id } = await one.create("short-lived");
  const message = await one.append(id, reply("so far"));
  const two = await openStore();
  await two.remove(id);
  await one.replace({ ...message, content: "so far, so good" });
  await one.append(id, user("more")).catch(() => undefined);
  const fresh = await openStore();
  expect(fresh.conversations.get()).toEqual([]);
  expect(await (await ChatDatabase.open()).messages(id)).toEqual([]);
});

test("a deleted conversation comes back whole", async () => {
  const store = await openStore();
  const { id } = await store.create("keep me");
  await store.append(id, user("hello"));
  const gone = await store.remove(id);
  expect(store.conversations.get()).toEqual([]);
  await store.restore(gone);
  expect(await contents(await openStore(), id)).toEqual(["hello"]);
});

test("truncating takes the message and what follows", async () => {
  const store = await openStore();
  const { id } = await store.create("edit");
  await store.append(id, user("one"));
  await store.append(id, reply("two"));
  const third = await store.append(id, user("three"));
  await store.append(id, reply("four"));
  await store.truncate(id, third);
  await store.append(id, user("three, better"));
  expect(await contents(await openStore(), id)).toEqual(["one", "two", "three, better"]);
});

test("search finds words in titles and messages, in any case", async () => {
  const store = await openStore();
  const a = await store.create("Gardening");
  const b = await store.create("Other");
  await store.append(b.id, user("How do I grow TOMATOES?"));
  const titles = async (words: string) => (await store.search(words)).map((one) => one.title);
  expect(await titles("garden")).toEqual([a.title]);
  expect(await titles("tomatoes")).toEqual([b.title]);
  expect(await titles("nothing of the kind")).toEqual([]);
  expect(await titles("  ")).toHaveLength(2);
});

test("settings keep defaults for what an older version did not have", async () => {
  const db = await ChatDatabase.open();
  await db.saveSettings({ systemPrompt: "Be brief.", sampling: { temperature: 0.2 } } as never);
  const store = await openStore();
  expect(store.settings.get()).toMatchObject({ systemPrompt: "Be brief.", maxTokens: 512, sampling: { temperature: 0.2, topK: null } });
});

test("clearing deletes conversations, messages and settings", async () => {
  const store = await openStore();
  const { id } = await store.create("x");
  await store.append(id, user("secret"));
  await store.saveSettings({ systemPrompt: "secret" });
  await store.clear();
  const fresh = await openStore();
  expect(fresh.conversations.get()).toEqual([]);
  expect(fresh.settings.get().systemPrompt).toBe("");
  expect(await (await ChatDatabase.open()).search("secret")).toEqual(new Set());
});

test("what is written while the database still opens is saved, beside what was there", async () => {
  const earlier = await openStore();
  await earlier.create("old");
  await earlier.saveSettings({ systemPrompt: "Be brief." });
  const store = new ChatStore();
  stores.push(store);
  const opening = store.open();
  const creating = store.create("new");
  const saving = store.saveSettings({ theme: "dark" });
  const { id } = await creating;
  await store.append(id, user("typed early"));
  await Promise.all([opening, saving]);
  for (const one of [store, await openStore()]) {
    expect(one.conversations.get()?.map((entry) => entry.title)).toEqual(["new", "old"]);
    expect(await contents(one, id)).toEqual(["typed early"]);
    expect(one.settings.get()).toMatchObject({ systemPrompt: "Be brief.", theme: "dark" });
  }
});

test("without IndexedDB the store works in memory and says what is wrong", async () => {
  const factory = new IDBFactory();
  factory.open = () => {
    throw new DOMException("not here", "SecurityError");
  };
  indexedDB = factory;
  const store = await openStore();
  expect(store.problem.get()).toMatchObject({ code: "storage-failed", detail: "SecurityError: not here" });
  const { id } = await store.create("in memory");
  await store.append(id, user("still here"));
  expect(await contents(store, id)).toEqual(["still here"]);
});

test("a database that closes under the app is reported, and what is typed stays", async () => {
  const store = await openStore();
  const { id } = await store.create("x");
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase("gyre-chats");
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error ?? new Error("blocked"));
  });
  expect(store.problem.get()?.code).toBe("storage-failed");
  await store.append(id, user("typed"));
  expect(await contents(store, id)).toEqual(["typed"]);
});
