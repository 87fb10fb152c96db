// What the page and the worker say to each other. Types only: every request has arguments, may send events, and ends in one result or one error.
import type { ErrorMessage } from "./errors";

export type Precision = "full" | "w8a8" | "w4a8";

/** How the next token is drawn. Filters and penalties as in Hugging Face `generate`; a value that switches its filter off is given for each. */
export interface Sampling {
  readonly temperature: number; // 0: always the likeliest token, no noise
  readonly topK: number; // 0: off
  readonly topP: number; // 1: off
  readonly minP: number; // 0: off
  readonly repetitionPenalty: number; // 1: off; counts prompt and reply
  readonly presencePenalty: number; // 0: off; counts the reply only
  readonly frequencyPenalty: number; // 0: off; counts the reply only
  readonly seed: bigint; // unsigned, 64 bits; equal seed and settings give the equal reply
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Who may propose a token: text seen before, tables of the model's own replies or of this device's, or a smaller model. */
export type DrafterName = "suffix" | "ngram" | "personal" | "draft";

/** Who proposed a token that stands in a reply. An accepted draft keeps its drafter's name; all others are the model's own. */
export type TokenOrigin = "model" | DrafterName;

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly sampling: Sampling;
  readonly maxTokens: number;
  readonly stop: readonly string[]; // the reply is cut before the first of these
  readonly speculation: "auto" | "off"; // changes how soon the reply comes, never what it says
  readonly personal: boolean; // whether this device's own table drafts, and learns from the reply
}

export type EndReason = "stop" | "length" | "context" | "aborted";

export interface DraftCounts {
  readonly proposed: number; // tokens that a drafter proposed and a pass looked at
  readonly accepted: number; // of those, what the reply was going to say anyway
}

export interface SpeculationStats extends DraftCounts {
  readonly tokensPerPass: number; // over the whole reply, tokens drawn plainly included
  readonly byDrafter: Readonly<Partial<Record<DrafterName, DraftCounts>>>;
  readonly draftMs: number; // in all
  readonly verifyMs: number; // in all
}

export interface ReplyStats {
  readonly promptTokens: number;
  readonly cachedTokens: number; // of the prompt, those that the cache still held
  readonly newTokens: number;
  readonly forgottenMessages: number; // the oldest ones, which did not fit the context any more
  readonly firstTokenMs: number; // from the request to the first token
  readonly decodeTokensPerSecond: number; // after the first token; 0 where there was only one
  readonly passes: number; // over the whole model, in which the reply's tokens were drawn; without speculation one a token
  readonly speculation: SpeculationStats | null; // null: no token was ever proposed
}

export type ChatEvent =
  | { readonly type: "text"; readonly text: string; readonly origin: TokenOrigin } // the reply goes on by this, which came with that token
  | { readonly type: "end"; readonly reason: EndReason; readonly stats: ReplyStats };

/** A model that is shipped with the app, or that was imported and lies in IndexedDB. */
export interface ModelEntry {
  readonly id: string;
  readonly name: string;
  readonly family: string; // config.json's model_type
  readonly precision: Precision;
  readonly parameters: number;
  readonly bytes: number; // on this device, or to download
  readonly shipped: boolean;
  readonly stored: boolean; // whole on this device
}

export interface LoadProgress {
  readonly phase: "download" | "import" | "compile" | "upload";
  readonly done: number; // bytes; shaders in the phase "compile"
  readonly total: number;
}

export interface LoadedModel {
  readonly entry: ModelEntry;
  readonly contextLength: number; // tokens
  readonly defaults: Omit<Sampling, "seed">; // from generation_config.json
  readonly adapter: string; // the GPU's name, as far as the browser tells
  readonly exact: boolean; // whether a token's numbers have the same bits beside others; where not, nothing is speculated
  readonly loadMs: number;
  readonly weightBytes: number; // on the GPU
  readonly cacheBytes: number; // on the GPU: keys, values, convolution states
  readonly scratchBytes: number; // on the GPU: everything else
}

/** One file of a folder that the user opened; `path` is relative to that folder. */
export interface PickedFile {
  readonly path: string;
  readonly file: Blob;
}

/** One thing that the personal table has learnt: what tends to follow a few words. */
export interface PersonalEntry {
  readonly context: string;
  readonly next: string;
  readonly count: number;
}

/** What this device has learnt from the replies of the loaded model. */
export interface PersonalTable {
  readonly bytes: number; // 0: nothing yet
  readonly contexts: number; // distinct ones
  readonly entries: readonly PersonalEntry[]; // those seen most often, first
}

/** Every request there is: its arguments, the events it may send, and its result. */
export interface Requests {
  readonly models: { args: null; event: never; result: readonly ModelEntry[] };
  readonly load: { args: { readonly id: string }; event: LoadProgress; result: LoadedModel };
  readonly import: {
    args: { readonly name: string; readonly files: readonly PickedFile[]; readonly precision: Precision };
    event: LoadProgress;
    result: ModelEntry;
  };
  readonly remove: { args: { readonly id: string }; event: never; result: null };
  readonly chat: { args: ChatRequest; event: ChatEvent; result: ReplyStats };
  readonly personal: { args: { readonly entries: number }; event: never; result: PersonalTable }; // at most so many entries
  /** What was learnt of every model; with `measured`, also what was measured on this device. */
  readonly forget: { args: { readonly measured: boolean }; event: never; result: null };
}

export type RequestName = keyof Requests;

export type ToWorker =
  | {
      [N in RequestName]: { readonly type: "request"; readonly id: number; readonly name: N; readonly args: Requests[N]["args"] };
    }[RequestName]
  | { readonly type: "abort"; readonly id: number };

export type ToPage =
  | { readonly type: "event"; readonly id: number; readonly event: Requests[RequestName]["event"] }
  | { readonly type: "result"; readonly id: number; readonly result: Requests[RequestName]["result"] }
  | { readonly type: "error"; readonly id: number; readonly error: ErrorMessage }
  | { readonly type: "fatal"; readonly error: ErrorMessage }; // the device was lost, or the worker cannot go on
