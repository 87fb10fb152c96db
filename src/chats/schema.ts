// What is kept of conversations, and the IndexedDB layout that keeps it.
import type { DBSchema } from "idb";
import type { ErrorMessage } from "../protocol/errors";
import type { EndReason, ReplyStats, Sampling, TokenOrigin } from "../protocol/messages";

/** A conversation without its messages: what the list shows. */
export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly created: number; // ms since 1970
  readonly updated: number; // ms since 1970; the list is ordered by it
}

interface MessageBase {
  readonly id: string;
  readonly conversation: string;
  readonly position: number; // rises within a conversation; gaps are allowed
  readonly content: string;
  readonly created: number; // ms since 1970
}

export interface UserMessage extends MessageBase {
  readonly role: "user";
}

/** So many UTF-16 units of a reply came with tokens of one origin. */
export type OriginRun = readonly [origin: TokenOrigin, length: number];

export interface AssistantMessage extends MessageBase {
  readonly role: "assistant";
  readonly end: EndReason | null; // null: still being written, or cut off by a closed tab or an error
  readonly stats: ReplyStats | null;
  readonly origins?: readonly OriginRun[]; // of `content`, in order; absent in replies of older versions
  readonly error: ErrorMessage | null;
  readonly model: string; // the model's name, or empty while none is loaded
  readonly seed: string; // decimal, as bigint does not survive JSON; empty until it is drawn
}

export type Message = UserMessage | AssistantMessage;

/** What the caller says of a new message; the rest is filled in when it is stored. */
export type NewMessage = Omit<UserMessage, "id" | "conversation" | "position"> | Omit<AssistantMessage, "id" | "conversation" | "position">;

export type Theme = "auto" | "light" | "dark";

export interface Settings {
  readonly systemPrompt: string;
  readonly sampling: { readonly [K in keyof Omit<Sampling, "seed">]: number | null }; // null: the model's own default
  readonly seed: string; // decimal; empty: a new one for each reply
  readonly maxTokens: number;
  readonly speculation: "auto" | "off";
  readonly personal: boolean; // whether a table on this device learns from replies
  readonly showOrigins: boolean; // colour a reply's words by who proposed them
  readonly theme: Theme;
  readonly model: string; // id of the model that was loaded last; empty: the shipped one
}

export const DEFAULT_SETTINGS: Settings = {
  systemPrompt: "",
  sampling: {
    temperature: null,
    topK: null,
    topP: null,
    minP: null,
    repetitionPenalty: null,
    presencePenalty: null,
    frequencyPenalty: null,
  },
  seed: "",
  maxTokens: 512,
  speculation: "auto",
  personal: true,
  showOrigins: false,
  theme: "auto",
  model: "",
};

export const DATABASE = "gyre-chats";
export const SCHEMA_VERSION = 1;

/** Messages are records of their own, so that two tabs that write to one conversation add to it instead of overwriting each other. */
export interface ChatSchema extends DBSchema {
  conversations: { key: string; value: Conversation; indexes: { updated: number } };
  messages: { key: string; value: Message; indexes: { place: [string, number] } }; // place: [conversation, position]
  settings: { key: string; value: Settings }; // one record, under "settings"
}
