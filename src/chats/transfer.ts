// All conversations as one JSON file, and back. What is read here comes from a stranger until every field has been checked.
import { EngineError, type ErrorMessage } from "../protocol/errors";
import type { DraftCounts, EndReason, ReplyStats, SpeculationStats } from "../protocol/messages";
import type { Transcript } from "./database";
import { newId } from "./ids";
import { DRAFTERS, ORIGINS } from "./origins";
import type { Message, OriginRun } from "./schema";

const FORMAT = "gyre-chats";
const VERSION = 1;
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
    ...(fields["origins"] === undefined ? {} : { origins: originRuns(fields["origins"], base.content, `${at}.origins`) }),
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
  const number = (name: keyof ReplyStats) => amount(fields[name], `${at}.${name}`);
  return {
    promptTokens: number("promptTokens"),
    cachedTokens: number("cachedTokens"),
    newTokens: number("newTokens"),
    forgottenMessages: number("forgottenMessages"),
    firstTokenMs: number("firstTokenMs"),
    decodeTokensPerSecond: number("decodeTokensPerSecond"),
    passes: fields["passes"] === undefined ? number("newTokens") : number("passes"), // older versions took one for each token
    speculation: optional(fields["speculation"], (speculation) => speculationStats(speculation, `${at}.speculation`)),
  };
}

function speculationStats(value: unknown, at: string): SpeculationStats {
  const fields = record(value, at);
  const drafters = record(fields["byDrafter"], `${at}.byDrafter`);
  const known = DRAFTERS.filter((name) => drafters[name] !== undefined);
  return {
    ...draftCounts(fields, at),
    tokensPerPass: amount(fields["tokensPerPass"], `${at}.tokensPerPass`),
    byDrafter: Object.fromEntries(known.map((name) => [name, draftCounts(drafters[name], `${at}.byDrafter.${name}`)])),
    draftMs: amount(fields["draftMs"], `${at}.draftMs`),
    verifyMs: amount(fields["verifyMs"], `${at}.verifyMs`),
  };
}

function draftCounts(value: unknown, at: string): DraftCounts {
  const fields = record(value, at);
  return { proposed: amount(fields["proposed"], `${at}.proposed`), accepted: amount(fields["accepted"], `${at}.accepted`) };
}

/** Runs of whole lengths that add up to the text; of anything else the page would colour the wrong words. */
function originRuns(value: unknown, content: string, at: string): readonly OriginRun[] {
  const runs = list(value, at).map((one, index): OriginRun => {
    const [origin, length] = list(one, `${at}[${index}]`);
    const known = ORIGINS.find((name) => name === origin);
    if (known === undefined) throw bad(`${at}[${index}][0] is none of ${ORIGINS.join(", ")}`);
    return [known, amount(length, `${at}[${index}][1]`)];
  });
  const whole =
    runs.every(([, length]) => Number.isInteger(length)) && runs.reduce((sum, [, length]) => sum + length, 0) === content.length;
  if (!whole) throw bad(`${at} does not add up to the text`);
  return runs;
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
