// Token ids to text while they come. A character may be spread over several tokens, and a token's text may depend on the one before it (a
// leading space), so a few tokens are decoded together and only what later tokens cannot change is given out.
import type { Tokenizer } from "./tokenizer";

const REPLACEMENT = "\uFFFD"; // what an incomplete character is decoded as
const WINDOW = 16; // tokens that may stay uncertain before they are cut apart

/**
 * The pieces, joined, are the whole decode of the ids without special tokens. The one exception: in a run of byte tokens that is no UTF-8
 * as a whole, the whole decode spoils every character, and here the sound ones before the fault stay.
 */
export class StreamingDetokenizer {
  readonly #tokenizer: Tokenizer;
  #context: readonly number[]; // given out already; decoded along for the sake of what follows
  #contextText: string;
  #pending: number[] = [];
  #shown = 0; // characters of the pending tokens' text that were given out

  /** `context`: the last ids of the text that this one goes on from, if its first space matters. */
  constructor(tokenizer: Tokenizer, context: readonly number[] = []) {
    this.#tokenizer = tokenizer;
    this.#context = context.slice(-WINDOW);
    this.#contextText = this.#decode(this.#context);
  }

  /** The text that `id` makes certain; often empty. */
  push(id: number): string {
    if (this.#tokenizer.isSpecial(id)) return "";
    this.#pending.push(id);
    const text = this.#pendingText();
    const certain = withoutIncomplete(text);
    const shown = this.#shown;
    this.#shown = Math.max(shown, certain.length);
    if (certain.length === text.length) this.#settle(this.#pending.length, 0);
    else if (this.#pending.length > WINDOW) return this.#cut(text, shown);
    return certain.slice(shown);
  }

  /** What was held back, at the end of the text. */
  flush(): string {
    const rest = this.#pendingText().slice(this.#shown);
    this.#settle(this.#pending.length, 0);
    return rest;
  }

  /**
   * Bytes that never become characters would keep everything pending. Wherever the two halves decode to what the whole does, no character
   * lies across the cut, and the first half is certain. Returns what is new of it.
   */
  #cut(text: string, shown: number): string {
    for (let count = this.#pending.length - 1; count > 0; count -= 1) {
      const rest = this.#decode(this.#pending.slice(count));
      if (this.#pendingText(count) + rest !== text) continue;
      const end = Math.max(text.length - rest.length, this.#shown);
      this.#settle(count, end - (text.length - rest.length));
      return text.slice(shown, end);
    }
    return text.slice(shown, this.#shown);
  }

  /** Makes the first `count` pending tokens the context; of the others' text, `shown` characters were given out. */
  #settle(count: number, shown: number): void {
    if (count > 0) {
      this.#context = this.#pending.slice(0, count);
      this.#contextText = this.#decode(this.#context);
      this.#pending = this.#pending.slice(count);
    }
    this.#shown = shown;
  }

  #pendingText(count = this.#pending.length): string {
    const pending = this.#pending.slice(0, count);
    const joined = this.#decode([...this.#context, ...pending]);
    // Byte tokens after others can spoil those too; then the new ones are better decoded alone.
    return joined.startsWith(this.#contextText) ? joined.slice(this.#contextText.length) : this.#decode(pending);
  }

  #decode(ids: readonly number[]): string {
    return this.#tokenizer.decode(ids, { skipSpecial: true });
  }
}

/** However many there are: some decoders give one for each byte of a run that is no UTF-8 yet, also for those of characters that were whole. */
function withoutIncomplete(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === REPLACEMENT) end -= 1;
  return text.slice(0, end);
}
