// A conversation on top of the engine: messages in, text out. The caches survive from turn to turn, so each turn feeds only what is new.
import { EngineError } from "../protocol/errors";
import type { ChatEvent, ChatMessage, ChatRequest, SpeculationStats } from "../protocol/messages";
import type { Speculator } from "../speculate/speculator";
import type { ChatTemplate } from "../text/template";
import type { Tokenizer } from "../text/tokenizer";
import type { Personal } from "./personal";
import { readReply, type TokenGenerator } from "./read_reply";

/** The part of the context that a reply finds free at least, if older messages have to make room for it. */
const REPLY_SHARE = 1 / 4;

/** Turns are forgotten by this part of the room at a time: if only what must go went, every turn would shift the prompt and void the caches. */
const FORGET_SHARE = 1 / 2;

/** How long the store of what was learnt is waited for; one that never answers must not stop a reply, which an old table costs only speed. */
const STORE_PATIENCE = 200; // ms

interface Prompt {
  readonly tokens: readonly number[];
  readonly forgotten: number; // messages left out
}

export class ChatSession {
  readonly #engine: TokenGenerator;
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #endTokens: ReadonlySet<number>;
  readonly #speculator: Speculator;
  readonly #personal: Pick<Personal, "refresh" | "learn"> | null;

  /** The speculator is this session's alone: it learns from the conversation. */
  constructor(
    engine: TokenGenerator,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    endTokens: ReadonlySet<number>,
    speculator: Speculator,
    personal: Pick<Personal, "refresh" | "learn"> | null = null,
  ) {
    this.#engine = engine;
    this.#tokenizer = tokenizer;
    this.#template = template;
    this.#endTokens = endTokens;
    this.#speculator = speculator;
    this.#personal = personal;
  }

  /**
   * The reply to the last message, piece by piece, then one "end". The oldest messages that do not fit the context are left out, which
   * the end's `forgottenMessages` says. Throws EngineError "context-full" where even the last message is too long.
   */
  async *chat(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const start = performance.now();
    const { sampling, maxTokens } = request;
    const { tokens, forgotten } = this.#fit(request.messages, maxTokens);
    const personal = request.personal ? this.#personal : null;
    if (personal) await notForEver(personal.refresh());
    const fitMs = performance.now() - start;
    const reading = { tokenizer: this.#tokenizer, context: [], stops: [...request.stop, ...this.#template.stops] };
    const speculator = request.speculation === "auto" ? this.#speculator : null;
    speculator?.silence(request.personal ? [] : ["personal"]);
    const generate = { tokens, sampling, maxTokens, endTokens: this.#endTokens, ...(speculator && { speculator }) };
    const pieces = readReply(this.#engine, generate, reading, signal);
    try {
      for (;;) {
        const step = await pieces.next();
        if (!step.done) {
          yield { type: "text", ...step.value };
          continue;
        }
        const { tokens: drawn, reason, cachedTokens, firstTokenMs, decodeMs, passes } = step.value;
        const stats = {
          promptTokens: tokens.length,
          cachedTokens,
          newTokens: drawn.length,
          forgottenMessages: forgotten,
          firstTokenMs: drawn.length > 0 ? fitMs + firstTokenMs : 0,
          decodeTokensPerSecond: drawn.length > 1 ? ((drawn.length - 1) * 1000) / decodeMs : 0,
          passes,
          speculation: speculator && statsOf(speculator, drawn.length / passes),
        };
        // What the user stopped is what the user did not want.
        if (personal && reason !== "aborted") await notForEver(personal.learn([...tokens, ...drawn], tokens.length));
        yield { type: "end", reason, stats };
        return;
      }
    } finally {
      // Whoever stops listening sets the engine free. After the end this does nothing.
      await pieces.return({ tokens: [], reason: "aborted", cachedTokens: 0, firstTokenMs: 0, decodeMs: 0, passes: 0 });
    }
  }

  /** The prompt's tokens, without the oldest turns where not all fit beside a reply; a system message stays. */
  #fit(messages: readonly ChatMessage[], maxTokens: number): Prompt {
    const { contextLength } = this.#engine;
    const room = contextLength - Math.min(maxTokens, Math.ceil(contextLength * REPLY_SHARE));
    const system = messages.filter(({ role }) => role === "system");
    const turns = messages.filter(({ role }) => role !== "system");
    const whole = this.#render([...system, ...turns]);
    if (whole.length <= room) return { tokens: whole, forgotten: 0 };

    const portion = room * FORGET_SHARE;
    const toFree = Math.ceil((whole.length - room) / portion) * portion;
    let freed = 0;
    for (const [index, turn] of turns.entries()) {
      // What is left begins with the user, for templates that insist on turns that alternate.
      if (turn.role === "user" && index > 0 && (freed >= toFree || index === turns.length - 1)) {
        const tokens = this.#render([...system, ...turns.slice(index)]);
        if (tokens.length <= room) return { tokens, forgotten: index };
      }
      freed += this.#tokenizer.encode(turn.content, { special: false }).length;
    }
    const detail = `${contextLength} tokens in all, instructions and reply included`;
    throw new EngineError("context-full", "This message does not fit what the model can keep in mind at once.", detail);
  }

  #render(messages: readonly ChatMessage[]): readonly number[] {
    // Control tokens that somebody types stay text: a message must not end itself and speak for the other side.
    const quoted = messages.map(({ role, content }) => ({ role, content: this.#tokenizer.quote(content) }));
    return this.#tokenizer.encodeRendered(this.#template.render(quoted, { addGenerationPrompt: true }));
  }
}

const notForEver = (stored: Promise<void>) => Promise.race([stored, new Promise((resolve) => setTimeout(resolve, STORE_PATIENCE))]);

/** What the page is told of a reply's speculation; null where nothing was proposed. */
function statsOf({ stats }: Speculator, tokensPerPass: number): SpeculationStats | null {
  const { rounds, proposed, accepted, byDrafter, draftMs, verifyMs } = stats;
  return rounds > 0 ? { proposed, accepted, tokensPerPass, byDrafter, draftMs, verifyMs } : null;
}
