import { expect, test } from "vitest";
import type { Transcript } from "../../src/chats/database";
import { titleFrom } from "../../src/chats/title";
import { exportChats, importChats } from "../../src/chats/transfer";

const transcript: Transcript = {
  conversation: { id: "a", title: "Foxes", created: 1, updated: 5 },
  messages: [
    { id: "m1", conversation: "a", position: 0, role: "user", content: "Tell me", created: 1 },
    {
      id: "m2",
      conversation: "a",
      position: 4,
      role: "assistant",
      content: "Once <b>upon</b>",
      created: 2,
      end: "length",
      stats: {
        promptTokens: 3,
        cachedTokens: 0,
        newTokens: 7,
        forgottenMessages: 2,
        firstTokenMs: 12.5,
        decodeTokensPerSecond: 30,
        passes: 5,
        speculation: {
          rounds: 2,
          proposed: 6,
          accepted: 3,
          roundTokens: 5,
          byDrafter: { suffix: { proposed: 6, accepted: 3 } },
          draftMs: 0.5,
          verifyMs: 40,
        },
      },
      error: null,
      model: "demo",
      seed: "42",
    },
  ],
};

test("what is exported can be imported, under new ids", () => {
  const [back] = importChats(exportChats([transcript]));
  expect(back?.conversation).toMatchObject({ title: "Foxes", created: 1, updated: 5 });
  expect(back?.conversation.id).not.toBe("a");
  expect(back?.messages.map(({ id: _id, conversation, ...rest }) => ({ ...rest, mine: conversation === back.conversation.id }))).toEqual(
    transcript.messages.map(({ id: _id, conversation: _conversation, ...rest }, position) => ({ ...rest, position, mine: true })),
  );
});

test("a file from before speculation still opens", () => {
  const old = JSON.parse(exportChats([transcript])) as { conversations: [{ messages: [object, { stats: Record<string, unknown> }] }] };
  delete old.conversations[0].messages[1].stats["passes"];
  delete old.conversations[0].messages[1].stats["speculation"];
  const [back] = importChats(JSON.stringify(old));
  expect(back?.messages[1]).toMatchObject({ stats: { newTokens: 7, passes: 0, speculation: null } });
});

const valid = JSON.parse(exportChats([transcript])) as { conversations: [{ messages: [object, object] }] };
const [first, second] = valid.conversations[0].messages;
const withMessages = (...messages: unknown[]) => ({ ...valid, conversations: [{ ...valid.conversations[0], messages }] });

test.each([
  ["{", "it is not JSON"],
  ["[]", "the file is not an object"],
  ['{"format":"other"}', "it was not exported by Gyre"],
  [JSON.stringify({ ...valid, version: 2 }), "its version is 2"],
  [JSON.stringify({ ...valid, conversations: {} }), "conversations is not a list"],
  [JSON.stringify({ ...valid, conversations: [{ ...valid.conversations[0], title: 3 }] }), "conversations[0].title is not text"],
  [JSON.stringify({ ...valid, conversations: [{ ...valid.conversations[0], updated: -1 }] }), "conversations[0].updated is not a number"],
  [JSON.stringify(withMessages({ ...first, role: "system" })), "conversations[0].messages[0].role is neither"],
  [JSON.stringify(withMessages(first, { ...second, content: null })), "conversations[0].messages[1].content is not text"],
  [JSON.stringify(withMessages(first, { ...second, end: "sudden" })), "conversations[0].messages[1].end is none of"],
  [JSON.stringify(withMessages(first, { ...second, stats: { newTokens: "7" } })), "conversations[0].messages[1].stats.promptTokens"],
])("refuses %#: a file that is not sound", (json, reason) => {
  expect(() => importChats(json)).toThrow(reason);
});

test("titles come from the first line that says something, cut at a word", () => {
  expect(titleFrom("\n\n  ## Hello there\nmore")).toBe("Hello there");
  expect(titleFrom("")).toBe("New chat");
  expect(titleFrom("Tell me a story about a fox who lived at the edge of the very deep forest")).toBe(
    "Tell me a story about a fox who lived at the…",
  );
  expect(titleFrom("🦊".repeat(60))).toBe(`${"🦊".repeat(48)}…`);
});
