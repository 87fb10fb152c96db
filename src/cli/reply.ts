import type { GenerateRequest } from "../engine/decode";
import type { Engine } from "../engine/engine";
import { type Reading, type Reply, readReply } from "../engine/read_reply";

/** Runs a request to its end; `onText` gets the text as it comes. Returns the reply and its whole text. */
export async function writeReply(
  engine: Engine,
  request: GenerateRequest,
  reading: Reading,
  signal: AbortSignal,
  onText: (text: string) => Promise<void>,
): Promise<Reply & { readonly text: string }> {
  const pieces = readReply(engine, request, reading, signal);
  let text = "";
  for (;;) {
    const step = await pieces.next();
    if (step.done) return { ...step.value, text };
    text += step.value.text;
    await onText(step.value.text);
  }
}
