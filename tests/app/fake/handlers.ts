// A stand-in for the engine: canned models and replies, with the timing and the failures that a test asks for.
import { EngineError } from "../../../src/protocol/errors";
import type { Handlers } from "../../../src/protocol/host";
import type {
  ChatMessage,
  LoadedModel,
  ModelEntry,
  PersonalTable,
  ReplyStats,
  SpeculationStats,
  TokenOrigin,
} from "../../../src/protocol/messages";

export interface FakeOptions {
  readonly loadMs?: number; // of pretended downloading
  readonly importMs?: number; // of pretended copying
  readonly tokenMs?: number;
  readonly loadError?: () => EngineError | null;
  readonly exact?: boolean;
  readonly contextLength?: number; // characters, for want of a tokenizer
  readonly reply?: (messages: readonly ChatMessage[]) => string;
}

export const DEMO: ModelEntry = {
  id: "gyre-demo",
  name: "Gyre demo",
  family: "lfm2",
  precision: "w8a8",
  parameters: 8_100_000,
  bytes: 8_900_000,
  shipped: true,
  stored: false,
};

/** Who proposes the words of a reply, over and over, where speculation is on. */
const ORIGINS: readonly TokenOrigin[] = ["model", "suffix", "suffix", "ngram", "personal", "draft"];

const SPECULATION: SpeculationStats = {
  proposed: 9,
  accepted: 6,
  tokensPerPass: 2.4,
  byDrafter: { suffix: { proposed: 3, accepted: 3 }, ngram: { proposed: 4, accepted: 2 }, personal: { proposed: 2, accepted: 1 } },
  draftMs: 3,
  verifyMs: 80,
};

const LEARNT: PersonalTable = { bytes: 4096, contexts: 120, entries: [{ context: "a fox in a", next: " box", count: 7 }] };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function loaded(entry: ModelEntry, contextLength: number, exact: boolean): LoadedModel {
  return {
    entry: { ...entry, stored: true },
    contextLength,
    defaults: { temperature: 0.7, topK: 40, topP: 0.95, minP: 0, repetitionPenalty: 1.05, presencePenalty: 0, frequencyPenalty: 0 },
    adapter: "Pretended GPU",
    loadMs: 812,
    weightBytes: 8_900_000,
    cacheBytes: 1_048_576,
    exact,
    scratchBytes: 5_400_000,
  };
}

export function fakeHandlers(options: FakeOptions = {}): Handlers {
  const {
    loadMs = 0,
    importMs = 0,
    tokenMs = 0,
    loadError = () => null,
    exact = true,
    contextLength = 1024,
    reply = () => "Hello. I am a fox in a box.",
  } = options;
  const imported: ModelEntry[] = [];
  let demoStored = false;
  let learnt = LEARNT;
  return {
    models: async () => [{ ...DEMO, stored: demoStored }, ...imported],
    load: async ({ id }, { emit, signal }) => {
      for (let step = 0; step <= 10 && loadMs > 0; step++) {
        emit({ phase: "download", done: (DEMO.bytes * step) / 10, total: DEMO.bytes });
        await pause(loadMs / 10);
        if (signal.aborted) throw new EngineError("network", "The download was cut off.");
      }
      const error = loadError();
      if (error !== null) throw error;
      const entry = [DEMO, ...imported].find((one) => one.id === id);
      if (entry === undefined) throw new EngineError("model-missing", `There is no model called ${id}.`);
      demoStored ||= entry.shipped;
      return loaded(entry, contextLength, exact);
    },
    import: async ({ name, files, precision }, { emit, signal }) => {
      if (!files.some((file) => file.path.endsWith("config.json")))
        throw new EngineError("model-missing", "config.json is not in this folder.", name);
      emit({ phase: "import", done: 1, total: 2 });
      for (let step = 0; step < 10 && importMs > 0; step++) {
        await pause(importMs / 10);
        signal.throwIfAborted();
      }
      const entry: ModelEntry = { ...DEMO, id: `own-${imported.length}`, name, precision, shipped: false, stored: true };
      imported.push(entry);
      return entry;
    },
    remove: async ({ id }) => {
      imported.splice(0, imported.length, ...imported.filter((one) => one.id !== id));
      return null;
    },
    personal: async ({ entries }) => ({ ...learnt, entries: learnt.entries.slice(0, entries) }),
    forget: async () => {
      learnt = { bytes: 0, contexts: 0, entries: [] };
      return null;
    },
    chat: async ({ messages, maxTokens, speculation }, { emit, signal }) => {
      const characters = messages.reduce((sum, message) => sum + message.content.length, 0);
      if (characters > contextLength) throw new EngineError("context-full", "The conversation does not fit this model's context.");
      const words = reply(messages).match(/\s*\S+\s*$|\s*\S+/g) ?? [];
      let newTokens = 0;
      const stats = (): ReplyStats => ({
        promptTokens: characters,
        cachedTokens: 0,
        newTokens,
        forgottenMessages: 0,
        firstTokenMs: 48,
        decodeTokensPerSecond: 41.5,
        passes: newTokens,
        speculation: speculation === "auto" ? SPECULATION : null,
      });
      const end = (reason: "stop" | "length" | "aborted") => {
        emit({ type: "end", reason, stats: stats() });
        return stats();
      };
      for (const word of words) {
        await pause(tokenMs);
        if (signal.aborted) return end("aborted");
        if (newTokens === maxTokens) return end("length");
        const origin = (speculation === "auto" && ORIGINS[newTokens % ORIGINS.length]) || "model";
        emit({ type: "text", text: word, origin });
        newTokens++;
      }
      return end("stop");
    },
  };
}
