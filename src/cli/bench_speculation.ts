// What speculation does for replies here: plainly and by each drafter, in turns within one run, so that their ratios hold on a busy machine.
import type { DraftModel } from "../engine/draft_model";
import type { Engine } from "../engine/engine";
import type { Reply } from "../engine/read_reply";
import { samplingDefaults } from "../engine/sampling_defaults";
import { makeSpeculator, openTables, type SpeculationChoice, type Tables } from "../engine/speculation";
import { EngineError } from "../protocol/errors";
import type { SpeculationStats, Tally } from "../speculate/stats";
import { loadTemplate } from "../text/template";
import type { Tokenizer } from "../text/tokenizer";
import type { Checkpoint } from "../weights/source";
import { writeReply } from "./reply";
import { samplingFrom } from "./sampling_options";
import { missingTable } from "./speculate_option";
import type { Terminal } from "./terminal";

/** Something to tell, something to explain, and something to say again, where text seen before helps most. */
const MESSAGES = [
  "Tell me a story about a fox.",
  "What happens to what I type here?",
  "Write this again without mistakes: A fox livd beside a railway. Each evening the night train rushed past and the fox ran along besid it.",
];

/** What is said of one way to decode, over all messages. */
export interface SpeculationFigure {
  readonly way: string; // "plain", or who drafts
  readonly tokensPerSecond: number; // behind each reply's first token
  readonly speed: number; // in plain decoding's of this run
  readonly tokensPerPass: number;
  readonly proposed: number;
  readonly accepted: number;
  readonly byDrafter: Readonly<Record<string, Tally>>;
  readonly byDepth: readonly Tally[]; // [depth - 1]
  readonly draftMs: number;
  readonly verifyMs: number;
}

export interface SpeculationTask {
  readonly tokenizer: Tokenizer; // the model's
  readonly choice: SpeculationChoice;
  readonly draftModel: DraftModel | undefined; // the one of the choice
  readonly sampling: Parameters<typeof samplingFrom>[0]; // over the model's defaults
  readonly maxTokens: number; // of a reply, which goes on past the tokens that would end it
}

/**
 * Figures for plain decoding, each drafter alone, and all of them together. Throws EngineError "internal" should a reply not be that of plain
 * decoding, "bad-request" or "model-…" where the model lacks what drafting needs.
 */
export async function measureSpeculation(
  engine: Engine,
  checkpoint: Checkpoint,
  { tokenizer, choice, draftModel, sampling, maxTokens }: SpeculationTask,
  terminal: Terminal,
): Promise<readonly SpeculationFigure[]> {
  const tables = await openTables(checkpoint.source, tokenizer);
  const template = await loadTemplate(checkpoint.source, tokenizer);
  const problem = missingTable(choice, tables);
  if (problem) terminal.note(problem);
  const ways = waysOf(choice, { ...tables, ...(draftModel && { draftModel }) }).map((way) => new Way(way, engine));
  for (const [index, content] of MESSAGES.entries()) {
    const rendered = template.render([{ role: "user", content: tokenizer.quote(content) }], { addGenerationPrompt: true });
    const request = {
      tokens: tokenizer.encodeRendered(rendered),
      sampling: samplingFrom(sampling, samplingDefaults(checkpoint.generationConfig)),
      maxTokens,
      endTokens: new Set<number>(),
    };
    let expected: string | null = null;
    // There and back, so that a machine that gets busier is not always so for the same ways.
    for (const way of index % 2 === 0 ? ways : [...ways].reverse()) {
      terminal.signal.throwIfAborted();
      terminal.progress(`Measuring speculation: ${way.name}, reply ${index + 1} of ${MESSAGES.length}`);
      engine.reset();
      const { speculator } = way;
      const reading = { tokenizer: null, context: [], stops: [] };
      const reply = await writeReply(engine, { ...request, ...(speculator && { speculator }) }, reading, terminal.signal, async () => {});
      expected ??= reply.tokens.join();
      if (reply.tokens.join() !== expected) throw new EngineError("internal", "Speculation changed a reply.", `${way.name}, ${content}`);
      way.add(reply);
    }
  }
  const [plain] = ways;
  return ways.map((way) => way.figure(plain?.msPerToken ?? 0));
}

interface Drafting {
  readonly names: readonly string[];
  readonly choice: SpeculationChoice;
  readonly tables: Tables;
}

/** Null is plain decoding. */
function waysOf(choice: SpeculationChoice, tables: Tables): readonly (Drafting | null)[] {
  const { draftModel, ...files } = tables;
  const drafters = choice.drafters.filter((name) => name !== "ngram" || files.ngrams !== null);
  const alone = drafters.map((name): Drafting => ({ names: [name], choice: { ...choice, drafters: [name] }, tables: files }));
  if (draftModel) alone.push({ names: ["draft"], choice: { ...choice, drafters: [] }, tables });
  const together = { names: alone.flatMap(({ names }) => names), choice: { ...choice, drafters }, tables };
  return [null, ...alone, ...(alone.length > 1 ? [together] : [])];
}

/** A way to decode, and what came of it so far. */
class Way {
  readonly name: string;
  /** One for all messages, as in a conversation: it learns what pays. */
  readonly speculator: ReturnType<typeof makeSpeculator> | null;
  readonly #byDrafter: Record<string, Tally> = {};
  readonly #byDepth: Tally[] = [];
  #ms = 0; // of replies, behind the first token of each
  #tokens = 0; // in that time
  #all = 0; // tokens
  #passes = 0;
  #proposed = 0;
  #accepted = 0;
  #draftMs = 0;
  #verifyMs = 0;

  constructor(drafting: Drafting | null, engine: Engine) {
    this.name = drafting ? drafting.names.join(" + ") : "plain";
    this.speculator = drafting && makeSpeculator(engine, drafting.tables, drafting.choice);
  }

  get msPerToken(): number {
    return this.#ms / this.#tokens;
  }

  add({ tokens, decodeMs, passes }: Reply): void {
    this.#ms += decodeMs;
    this.#tokens += tokens.length - 1;
    this.#all += tokens.length;
    this.#passes += passes;
    if (this.speculator) this.#addStats(this.speculator.stats);
  }

  figure(plainMsPerToken: number): SpeculationFigure {
    return {
      way: this.name,
      tokensPerSecond: 1000 / this.msPerToken,
      speed: plainMsPerToken / this.msPerToken,
      tokensPerPass: this.#all / this.#passes,
      proposed: this.#proposed,
      accepted: this.#accepted,
      byDrafter: this.#byDrafter,
      byDepth: this.#byDepth,
      draftMs: this.#draftMs,
      verifyMs: this.#verifyMs,
    };
  }

  #addStats({ proposed, accepted, byDrafter, byDepth, draftMs, verifyMs }: SpeculationStats): void {
    this.#proposed += proposed;
    this.#accepted += accepted;
    this.#draftMs += draftMs;
    this.#verifyMs += verifyMs;
    for (const [name, tally] of Object.entries(byDrafter)) addTally((this.#byDrafter[name] ??= { proposed: 0, accepted: 0 }), tally);
    for (const [i, tally] of byDepth.entries()) addTally((this.#byDepth[i] ??= { proposed: 0, accepted: 0 }), tally);
  }
}

function addTally(sum: Tally, { proposed, accepted }: Tally): void {
  sum.proposed += proposed;
  sum.accepted += accepted;
}
