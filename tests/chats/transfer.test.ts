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
        passes: 4,
        speculation: {
          proposed: 5,
          accepted: 3,
          tokensPerPass: 1.75,
          byDrafter: { suffix: { proposed: 5, accepted: 3 } },
          draftMs: 0.5,
          verifyMs: 40,
        },
      },
      origins: [
        ["model", 9],
        ["suffix", 7],
      ],
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

test("what an older version exported, without origins and speculation, can still be imported", () => {
  const older = structuredClone(valid) as {
    conversations: [{ messages: [unknown, { origins?: unknown; stats: Record<string, unknown> }] }];
  };
  const reply = older.conversations[0].messages[1];
  delete reply.origins;
  delete reply.stats["passes"];
  delete reply.stats["speculation"];
  const message = importChats(JSON.stringify(older))[0]?.messages[1];
  expect(message).toMatchObject({ content: "Once <b>upon</b>", stats: { newTokens: 7, passes: 7, speculation: null } });
  expect(message).not.toHaveProperty("origins");
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
  [JSON.stringify(withMessages(first, { ...second, origins: [["oracle", 16]] })), "conversations[0].messages[1].origins[0][0] is none of"],
  [JSON.stringify(withMessages(first, { ...second, origins: [["model", 15]] })), "conversations[0].messages[1].origins does not add up"],
  [
    JSON.stringify(
      withMessages(first, {
        ...second,
        origins: [
          ["model", 15.5],
          ["draft", 0.5],
        ],
      }),
    ),
    "origins does not add up",
  ],
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
