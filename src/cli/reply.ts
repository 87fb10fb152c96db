import type { Engine, GenerateRequest, GenerateSummary } from "../engine/engine";
import { StreamingDetokenizer } from "../text/detokenizer";
import { StopMatcher } from "../text/stop";
import type { Tokenizer } from "../text/tokenizer";

export interface Reply {
  readonly tokens: readonly number[]; // with the one that ended it
  readonly text: string;
  readonly reason: GenerateSummary["reason"];
  readonly firstTokenMs: number; // from the request
  readonly decodeMs: number; // from the first token to the last
}

/** How a reply's tokens become text. */
export interface Reading {
  readonly tokenizer: Tokenizer | null; // null: there is no text
  readonly context: readonly number[]; // what the text goes on from, if its first space matters
  readonly stops: readonly string[]; // the text is cut before the first of these, and the reply ends
}

/** Runs a request to its end; `onText` gets the text as it comes. */
export async function writeReply(
  engine: Engine,
  request: GenerateRequest,
  { tokenizer, context, stops }: Reading,
  signal: AbortSignal,
  onText: (text: string) => Promise<void>,
): Promise<Reply> {
  const detokenizer = tokenizer && new StreamingDetokenizer(tokenizer, context);
  const matcher = new StopMatcher(stops);
  const tokens: number[] = [];
  let text = "";
  const show = async (piece: string) => {
    if (piece === "") return;
    text += piece;
    await onText(piece);
  };

  const start = performance.now();
  let firstMs = 0;
  let lastMs = 0;
  let reason: GenerateSummary["reason"] = "stop";
  const drawn = engine.generate(request, signal);
  try {
    for (;;) {
      const step = await drawn.next();
      if (step.done) {
        ({ reason } = step.value);
        break;
      }
      lastMs = performance.now() - start;
      if (tokens.length === 0) firstMs = lastMs;
      tokens.push(step.value);
      const { text: certain, stopped } = matcher.push(detokenizer?.push(step.value) ?? "");
      await show(certain);
      if (stopped) break;
    }
  } finally {
    await drawn.return({ reason, cachedTokens: 0, passes: 0 }); // frees the engine where a stop string or an error ended the loop
  }
  const rest = matcher.push(detokenizer?.flush() ?? "");
  await show(rest.text + (rest.stopped ? "" : matcher.flush()));
  return { tokens, text, reason, firstTokenMs: firstMs, decodeMs: lastMs - firstMs };
}
