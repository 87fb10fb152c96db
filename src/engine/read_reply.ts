// A reply's tokens as they become text. Page and command line read replies by this.

import type { EndReason } from "../protocol/messages";
import type { Origin } from "../speculate/accept";
import { StreamingDetokenizer } from "../text/detokenizer";
import { StopMatcher } from "../text/stop";
import type { Tokenizer } from "../text/tokenizer";
import type { GenerateRequest } from "./decode";
import type { Engine } from "./engine";

/** What reading a reply needs of an engine. */
export type TokenGenerator = Pick<Engine, "contextLength" | "generate">;

/** How tokens become text. */
export interface Reading {
  readonly tokenizer: Tokenizer | null; // null: there is no text
  readonly context: readonly number[]; // what the text goes on from, if its first space matters
  readonly stops: readonly string[]; // the text is cut before the first of these, and the reply ends
}

export interface Reply {
  readonly tokens: readonly number[]; // with the one that ended it
  readonly reason: EndReason;
  readonly cachedTokens: number; // of the prompt, those that the caches still held
  readonly firstTokenMs: number; // from the request; 0 if there was none
  readonly decodeMs: number; // from the first token to the last
  readonly passes: number; // that drew tokens
}

/** Text that no later token can change. What several tokens made together counts as the last one's. */
export interface Piece {
  readonly text: string;
  readonly origin: Origin;
}

/** Runs a request to its end and gives out its text piece by piece. The engine is free again however this ends. */
export async function* readReply(
  engine: TokenGenerator,
  request: GenerateRequest,
  { tokenizer, context, stops }: Reading,
  signal?: AbortSignal,
): AsyncGenerator<Piece, Reply, undefined> {
  const detokenizer = tokenizer && new StreamingDetokenizer(tokenizer, context);
  const matcher = new StopMatcher(stops);
  const tokens: number[] = [];
  const start = performance.now();
  let cachedTokens = 0;
  let firstTokenMs = 0;
  let lastTokenMs = 0;
  let origin: Origin = "model";
  let reason: EndReason = "stop";
  let passes = 0;
  const onCached = (count: number) => {
    cachedTokens = count;
  };
  const onPass = () => {
    passes++;
  };
  const drawn = engine.generate({ ...request, onCached, onPass }, signal);
  try {
    for (;;) {
      const step = await drawn.next();
      if (step.done) {
        reason = step.value;
        break;
      }
      lastTokenMs = performance.now() - start;
      if (tokens.length === 0) firstTokenMs = lastTokenMs;
      const { token } = step.value;
      ({ origin } = step.value);
      tokens.push(token);
      const { text, stopped } = matcher.push(detokenizer?.push(token) ?? "");
      if (text !== "") yield { text, origin };
      if (stopped) break;
    }
  } finally {
    await drawn.return(reason);
  }
  const rest = matcher.push(detokenizer?.flush() ?? "");
  const held = rest.text + (rest.stopped ? "" : matcher.flush());
  if (held !== "") yield { text: held, origin };
  return { tokens, reason, cachedTokens, firstTokenMs, decodeMs: lastTokenMs - firstTokenMs, passes };
}
