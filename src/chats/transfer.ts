// All conversations as one JSON file, and back. What is read here comes from a stranger until every field has been checked.
import { EngineError, type ErrorMessage } from "../protocol/errors";
import type { EndReason, ReplyStats, SpeculationStats, TokenOrigin } from "../protocol/messages";
import type { Transcript } from "./database";
import { newId } from "./ids";
import type { Message } from "./schema";

const FORMAT = "gyre-chats";
const VERSION = 1;
const DRAFTERS: readonly Exclude<TokenOrigin, "model">[] = ["suffix", "ngram", "personal", "draft"];
const END_REASONS: readonly EndReason[] = ["stop", "length", "context", "aborted"];

export function exportChats(transcripts: readonly Transcript[], now = new Date()): string {
  const conversations = transcripts.map(({ conversation, messages }) => ({ ...conversation, messages }));
  return `${JSON.stringify({ format: FORMAT, version: VERSION, exported: now.toISOString(), conversations }, null, 2)}\n`;
}

/**
 * The conversations of an exported file, under new ids throughout, so that a file can be read twice without harm to what is there.
 * Throws EngineError "bad-request" that says what is wrong and where.
 */
export function importChats(json: string): Transcript[] {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch (thrown) {
    throw bad("it is not JSON", thrown instanceof Error ? thrown.message : "");
  }
  const { format, version, conversations } = record(file, "the file");
  if (format !== FORMAT) throw bad("it was not exported by Gyre");
  if (version !== VERSION) throw bad(`its version is ${String(version)}, and this Gyre reads version ${VERSION}`);
  return list(conversations, "conversations").map((value, index) => transcript(value, `conversations[${index}]`));
}

function transcript(value: unknown, at: string): Transcript {
  const fields = record(value, at);
  const id = newId();
  const conversation = {
    id,
    title: text(fields["title"], `${at}.title`),
    created: amount(fields["created"], `${at}.created`),
    updated: amount(fields["updated"], `${at}.updated`),
  };
  const messages = list(fields["messages"], `${at}.messages`).map((one, position) =>
    message(one, id, position, `${at}.messages[${position}]`),
  );
  return { conversation, messages };
}

function message(value: unknown, conversation: string, position: number, at: string): Message {
  const fields = record(value, at);
  const base = {
    id: newId(),
    conversation,
    position,
    content: text(fields["content"], `${at}.content`),
    created: amount(fields["created"], `${at}.created`),
  };
  if (fields["role"] === "user") return { ...base, role: "user" };
  if (fields["role"] !== "assistant") throw bad(`${at}.role is neither "user" nor "assistant"`);
  return {
    ...base,
    role: "assistant",
    end: optional(fields["end"], (end) => endReason(end, `${at}.end`)),
    stats: optional(fields["stats"], (stats) => replyStats(stats, `${at}.stats`)),
    error: optional(fields["error"], (error) => failure(error, `${at}.error`)),
    model: text(fields["model"] ?? "", `${at}.model`),
    seed: text(fields["seed"] ?? "", `${at}.seed`),
  };
}

function endReason(value: unknown, at: string): EndReason {
  const reason = END_REASONS.find((one) => one === value);
  if (reason === undefined) throw bad(`${at} is none of ${END_REASONS.join(", ")}`);
  return reason;
}

function replyStats(value: unknown, at: string): ReplyStats {
  const fields = record(value, at);
  const number = (name: Exclude<keyof ReplyStats, "speculation">) => amount(fields[name], `${at}.${name}`);
  return {
    promptTokens: number("promptTokens"),
    cachedTokens: number("cachedTokens"),
    newTokens: number("newTokens"),
    forgottenMessages: number("forgottenMessages"),
    firstTokenMs: number("firstTokenMs"),
    decodeTokensPerSecond: number("decodeTokensPerSecond"),
    passes: fields["passes"] === undefined ? 0 : number("passes"), // older files have neither of these
    speculation: optional(fields["speculation"], (speculation) => speculationStats(speculation, `${at}.speculation`)),
  };
}

function speculationStats(value: unknown, at: string): SpeculationStats {
  const fields = record(value, at);
  const number = (name: Exclude<keyof SpeculationStats, "byDrafter">) => amount(fields[name], `${at}.${name}`);
  const drafters = record(fields["byDrafter"], `${at}.byDrafter`);
  const tallies = DRAFTERS.flatMap((name): [typeof name, { proposed: number; accepted: number }][] => {
    if (drafters[name] === undefined) return [];
    const tally = record(drafters[name], `${at}.byDrafter.${name}`);
    return [[name, { proposed: amount(tally["proposed"], `${at}.${name}`), accepted: amount(tally["accepted"], `${at}.${name}`) }]];
  });
  return {
    rounds: number("rounds"),
    proposed: number("proposed"),
    accepted: number("accepted"),
    roundTokens: number("roundTokens"),
    byDrafter: Object.fromEntries(tallies),
    draftMs: number("draftMs"),
    verifyMs: number("verifyMs"),
  };
}

/** The code only ever chooses between messages on the page, so an unknown one is read as "internal". */
function failure(value: unknown, at: string): ErrorMessage {
  const fields = record(value, at);
  return { code: "internal", message: text(fields["message"], `${at}.message`), detail: text(fields["detail"] ?? "", `${at}.detail`) };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : read(value);
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${at} is not an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(`${at} is not a list`);
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value !== "string") throw bad(`${at} is not text`);
  return value;
}

function amount(value: unknown, at: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw bad(`${at} is not a number of at least 0`);
  return value;
}

function bad(reason: string, detail = ""): EngineError {
  return new EngineError("bad-request", `This file cannot be imported: ${reason}.`, detail);
}
