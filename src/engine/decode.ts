// A reply, token by token, once its prompt is in the caches but for the last pass: plainly, or by rounds that draft a tree and verify it. Both
// draw the same tokens.
import { MAX_TREE_ROWS } from "../kernels/batch";
import type { SamplingParams } from "../kernels/sample";
import { EngineError } from "../protocol/errors";
import type { EndReason } from "../protocol/messages";
import { type Origin, originsOf, walk } from "../speculate/accept";
import type { Reach, Speculator } from "../speculate/speculator";
import type { TokenTree } from "../speculate/tree";
import type { Runner } from "./runner";
import type { Sequence } from "./sequence";

export interface GenerateRequest {
  readonly tokens: readonly number[]; // the prompt
  readonly sampling: SamplingParams;
  readonly maxTokens: number;
  readonly endTokens: ReadonlySet<number>; // the first of these ends the reply, and is its last token
  readonly speculator?: Speculator; // default: plain decoding
  readonly onCached?: (tokens: number) => void; // hears how much of the prompt the caches still held
  readonly onPass?: () => void; // hears of each pass whose draws were looked at
}

export interface DrawnToken {
  readonly token: number;
  readonly origin: Origin;
}

/** Where a reply is decoded. */
export interface Place {
  readonly runner: Runner;
  readonly sequence: Sequence; // what the caches hold: the prompt but for its last part
  readonly contextLength: number;
  readonly maxDrafts: number; // rows of logits that a pass has room for, less the root's
}

type Decoding = AsyncGenerator<DrawnToken, EndReason, undefined>;

/** Draws until the reply ends or the consumer returns. Leaves in the caches just what plain decoding of the tokens given out leaves there. */
export async function* decode(
  { runner, sequence, contextLength, maxDrafts }: Place,
  request: GenerateRequest,
  signal?: AbortSignal,
): Decoding {
  const { tokens: prompt, maxTokens, endTokens, speculator } = request;
  let given = 0; // tokens
  let verified: number[] | null = null; // rows of the last tree pass whose tokens are in the sequence; null once a pass was told of them
  let pending: Promise<Uint32Array> | null = null; // a plain draw

  const pass = (rows: readonly number[] | "sampled", tree?: TokenTree): Promise<Uint32Array> => {
    const count = rows === "sampled" ? 1 : rows.length;
    const accepted = verified ?? [];
    verified = null;
    const drawn = runner.draw({
      rows: count,
      headRows: tree ? count : 1,
      position: sequence.length,
      tokens: rows,
      accepted,
      ...(tree && { tree }),
    });
    drawn.catch(() => {}); // heard where it is awaited; until then a failure of two passes must not go unhandled
    return drawn;
  };
  /** How far drafts may reach behind a root at the end of the sequence, or one token further. */
  const reach = (position: number): Reach => ({
    position,
    maxDepth: maxTokens - given - 1,
    maxDrafts: Math.min(maxDrafts, MAX_TREE_ROWS - 1, contextLength - position - 1),
  });
  /** Why the reply ends with this token, if it does; `position` is where the token would be fed. */
  const ending = (token: number, position: number): EndReason | null => {
    if (endTokens.has(token)) return "stop";
    if (signal?.aborted) return "aborted";
    if (given >= maxTokens) return "length";
    return position < contextLength ? null : "context";
  };

  try {
    if (signal?.aborted) return "aborted";
    speculator?.begin(prompt, request.sampling);
    const last = prompt.slice(sequence.length);
    pending = pass(last);
    sequence.push(last);
    let isPaced = false; // whether the pass was submitted before the last token was read
    let speculates = speculator?.pays(reach(sequence.length - 1)) ?? false;
    while (pending) {
      const position = sequence.length; // of the token being drawn
      const isLast = given + 1 >= maxTokens || position >= contextLength;
      // The next pass is submitted before this token is read, so that the GPU never waits; but a tree needs its root on the host.
      const next = isLast || speculates ? null : pass("sampled");
      const drawing: Promise<Uint32Array> = pending;
      pending = next;
      const [token = 0] = await drawing;
      request.onPass?.();
      if (next) sequence.push([token]);
      if (given === 0) speculator?.sawFirst(token);
      else speculator?.sawPlain(token, isPaced);
      isPaced = next !== null;
      given++;
      yield { token, origin: "model" };
      const end = ending(token, position);
      if (end) return end;
      if (next) {
        speculates = speculator?.pays(reach(position)) ?? false;
        continue;
      }

      let root = token;
      for (;;) {
        const tree = (await speculator?.draft(root, reach(sequence.length))) ?? null;
        if (!speculator || !tree) break;
        const found = walk(tree, await pass(tree.tokens, tree));
        request.onPass?.();
        speculator.sawRound(tree, found);
        const origins = originsOf(tree, found);
        verified = [];
        for (const [i, drawn] of found.tokens.entries()) {
          // The row that drew this token is certain now, and so is the token that was fed there.
          verified.push(found.rows[i] ?? 0);
          sequence.push([root]);
          root = drawn;
          given++;
          yield { token: drawn, origin: origins[i] ?? "model" };
          const end = ending(drawn, sequence.length);
          if (end) return end;
        }
        runner.count(found.tokens);
      }
      pending = pass([root]);
      sequence.push([root]);
      speculates = false;
    }
    throw new EngineError("internal", "A reply has neither an end nor a token under way.");
  } finally {
    // A pass that nobody waits for any more must still be read, or its buffer stays mapped.
    await pending?.catch(() => {});
    if (verified) {
      runner.keep(verified);
      speculator?.cut(verified.length);
    }
  }
}
