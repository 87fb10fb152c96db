// A conversation on top of the engine: messages in, text out. The caches survive from turn to turn, so each turn feeds only what is new.

import { EngineError } from "../protocol/errors";
import type { ChatEvent, ChatMessage, ChatRequest, EndReason } from "../protocol/messages";
import { StreamingDetokenizer } from "../text/detokenizer";
import { StopMatcher } from "../text/stop";
import type { ChatTemplate } from "../text/template";
import type { Tokenizer } from "../text/tokenizer";
import type { Engine } from "./engine";

/** The part of the context that a reply finds free at least, if older messages have to make room for it. */
const REPLY_SHARE = 1 / 4;

/** What a conversation needs of an engine. */
export type TokenGenerator = Pick<Engine, "contextLength" | "generate">;

export class ChatSession {
  readonly #engine: TokenGenerator;
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #endTokens: ReadonlySet<number>;

  constructor(engine: TokenGenerator, tokenizer: Tokenizer, template: ChatTemplate, endTokens: ReadonlySet<number>) {
    this.#engine = engine;
    this.#tokenizer = tokenizer;
    this.#template = template;
    this.#endTokens = endTokens;
  }

  /**
   * The reply to the last message, piece by piece, then one "end". The oldest messages that do not fit the context are left out, which
   * the end's `forgottenMessages` says. Throws EngineError "context-full" where even the last message is too long.
   */
  async *chat(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const start = performance.now();
    const { tokens, forgotten } = this.#fit(request.messages, request.maxTokens);
    const detokenizer = new StreamingDetokenizer(this.#tokenizer);
    const stops = new StopMatcher([...request.stop, ...this.#template.stops]);
    const { sampling, maxTokens } = request;
    const reply = this.#engine.generate({ tokens, sampling, maxTokens, endTokens: this.#endTokens }, signal);

    let count = 0;
    let firstTokenMs = 0;
    let reason: EndReason = "stop";
    let cachedTokens = 0;
    for (;;) {
      const step = await reply.next();
      if (step.done) {
        ({ reason, cachedTokens } = step.value);
        break;
      }
      count++;
      if (count === 1) firstTokenMs = performance.now() - start;
      const { text, stopped } = stops.push(detokenizer.push(step.value));
      if (text !== "") yield { type: "text", text };
      if (stopped) {
        const ended = await reply.return({ reason: "stop", cachedTokens: 0, passes: 0 });
        reason = ended.value === undefined || typeof ended.value === "number" ? "stop" : ended.value.reason;
        break;
      }
    }
    const rest = stops.push(detokenizer.flush());
    const held = rest.text + (rest.stopped ? "" : stops.flush());
    if (held !== "") yield { type: "text", text: held };
    const decodeMs = performance.now() - start - firstTokenMs;
    yield {
      type: "end",
      reason,
      stats: {
        promptTokens: tokens.length,
        cachedTokens,
        newTokens: count,
        forgottenMessages: forgotten,
        firstTokenMs,
        decodeTokensPerSecond: count > 1 ? ((count - 1) * 1000) / decodeMs : 0,
      },
    };
  }

  /** The prompt's tokens, without the oldest turns where not all fit beside a reply; a system message stays. */
  #fit(messages: readonly ChatMessage[], maxTokens: number): { readonly tokens: readonly number[]; readonly forgotten: number } {
    const { contextLength } = this.#engine;
    const room = contextLength - Math.min(maxTokens, Math.ceil(contextLength * REPLY_SHARE));
    const system = messages.filter(({ role }) => role === "system");
    const turns = messages.filter(({ role }) => role !== "system");
    for (let from = 0; from < turns.length; from++) {
      // A conversation begins with the user, for templates that insist on turns that alternate.
      if (from > 0 && turns[from]?.role !== "user") continue;
      const text = this.#template.render([...system, ...turns.slice(from)], { addGenerationPrompt: true });
      const tokens = this.#tokenizer.encode(text, { special: false });
      if (tokens.length <= room) return { tokens, forgotten: from };
    }
    throw new EngineError("context-full", `The last message is too long: this model has room for ${contextLength} tokens in all.`);
  }
}
