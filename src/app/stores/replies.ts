// Replies in the making. One runs at a time, others wait their turn; its text lives here, outside React, until it is finished.
import { newId, newSeed } from "../../chats/ids";
import { Value } from "../../chats/observable";
import { addRun } from "../../chats/origins";
import type { AssistantMessage, Message, Settings } from "../../chats/schema";
import type { ChatStore } from "../../chats/store";
import { titleFrom } from "../../chats/title";
import { EngineError } from "../../protocol/errors";
import type { ChatMessage, ChatRequest, LoadedModel, Sampling } from "../../protocol/messages";
import type { EngineStore } from "./engine";

export type Phase =
  | "model" // waits until a model is loaded
  | "turn" // waits until another reply is finished
  | "reading" // the model reads the conversation
  | "writing";

export interface Job {
  readonly conversation: string;
  readonly message: string; // id of the assistant's message
  readonly phase: Phase;
}

/** What there is of a reply. */
export type Written = Pick<AssistantMessage, "content" | "origins">;

export const NOTHING: Written = { content: "" };

const SHOW_EVERY = 30; // ms: more often than that the eye does not see, and Markdown is parsed anew each time
const SAVE_EVERY = 1000; // ms: what a closed tab loses at most

export class ReplyStore {
  readonly jobs = new Value<readonly Job[]>([]); // the first is at work
  readonly written = new Value<Written>(NOTHING); // of the first job, so far
  readonly announcement = new Value(""); // for screen readers: a whole sentence or a whole reply, never a fragment
  readonly #chats: ChatStore;
  readonly #engine: EngineStore;
  readonly #aborts = new Map<string, AbortController>(); // by message id
  #last: Promise<void> = Promise.resolve();

  constructor(chats: ChatStore, engine: EngineStore) {
    this.#chats = chats;
    this.#engine = engine;
  }

  /** Says something in a conversation, or in a new one for null. Resolves with the conversation's id as soon as the reply is under way. */
  async send(conversation: string | null, content: string): Promise<string> {
    const id = conversation ?? (await this.#chats.create(titleFrom(content))).id;
    await this.#chats.append(id, { role: "user", content, created: Date.now() });
    await this.#reply(id);
    return id;
  }

  /** Writes a reply anew, with new noise. */
  async regenerate(reply: AssistantMessage): Promise<void> {
    this.stop(reply.conversation);
    await this.#chats.truncate(reply.conversation, reply);
    await this.#reply(reply.conversation);
  }

  /** Replaces a message of the user's and answers it; what followed is gone. */
  async edit(message: Message, content: string): Promise<void> {
    this.stop(message.conversation);
    const { conversation, messages } = await this.#chats.transcript(message.conversation);
    const ownTitle = conversation.title !== titleFrom(message.content); // one that the user typed
    if (messages[0]?.id === message.id && !ownTitle) await this.#chats.rename(message.conversation, titleFrom(content));
    await this.#chats.truncate(message.conversation, message);
    await this.send(message.conversation, content);
  }

  /** Stops the reply of this conversation, or all of them; what was written stays. */
  stop(conversation?: string): void {
    for (const job of this.jobs.get()) {
      if (conversation === undefined || job.conversation === conversation) this.#aborts.get(job.message)?.abort();
    }
  }

  async #reply(conversation: string): Promise<void> {
    const id = newId();
    this.#aborts.set(id, new AbortController());
    const phase = this.jobs.get().length === 0 ? "model" : "turn";
    // Before its message is there, which would else be seen, while it is saved, as one that was never finished.
    this.jobs.update((jobs) => [...jobs, { conversation, message: id, phase }]);
    const empty = {
      role: "assistant",
      content: "",
      created: Date.now(),
      end: null,
      stats: null,
      error: null,
      model: "",
      seed: "",
    } as const;
    const placed = this.#chats.append(conversation, empty, id);
    this.#last = this.#last
      .then(async () => {
        const message = await placed.catch(() => null); // told below, to the one who asked
        if (message?.role === "assistant") await this.#run(message);
      })
      .finally(() => this.#over(id))
      .catch((thrown: unknown) => console.error("A reply could not be ended:", thrown)); // The next one starts all the same.
    try {
      await placed;
    } catch (thrown) {
      this.#over(id); // now, whatever else is at work
      throw thrown;
    }
  }

  #over(message: string): void {
    const [atWork] = this.jobs.get();
    this.#aborts.delete(message);
    this.jobs.update((jobs) => jobs.filter((job) => job.message !== message));
    if (atWork?.message === message) this.written.set(NOTHING);
  }

  async #run(message: AssistantMessage): Promise<void> {
    const signal = this.#aborts.get(message.id)?.signal ?? AbortSignal.abort();
    this.written.set(NOTHING);
    this.#phase(message.id, "model");
    let reply = message;
    try {
      for await (reply of this.#write(message, signal)) {
        // Each step is the reply so far; the last one is what remains if the next step fails.
      }
      this.announcement.set(reply.content);
    } catch (thrown) {
      if (signal.aborted) reply = { ...reply, end: "aborted" };
      else {
        const error = EngineError.from(thrown).toMessage();
        reply = { ...reply, error };
        this.announcement.set(error.message);
      }
    }
    await this.#chats.replace(reply);
  }

  /** Waits for the model, asks, and yields the reply each time that it should be kept: at its start, every second, and at its end. */
  async *#write(message: AssistantMessage, signal: AbortSignal): AsyncGenerator<AssistantMessage> {
    const { client, model } = await this.#engine.whenReady(signal);
    const settings = this.#chats.settings.get();
    const seed = settings.seed === "" ? newSeed() : settings.seed;
    const { messages } = await this.#chats.transcript(message.conversation);
    const said = messages.filter((one) => one.position < message.position && one.content !== "");
    const system: ChatMessage[] = settings.systemPrompt.trim() === "" ? [] : [{ role: "system", content: settings.systemPrompt }];
    const sent = [...system, ...said.map(({ role, content }) => ({ role, content }))];
    let reply: AssistantMessage = { ...message, model: model.entry.name, seed };
    yield reply;
    this.announcement.set("Gyre is answering.");
    this.#phase(message.id, "reading");
    let shown = 0;
    let saved = performance.now();
    for await (const event of client.chat(request(sent, settings, model, BigInt(seed)), signal)) {
      if (event.type === "end") {
        yield { ...reply, end: event.reason, stats: event.stats };
        return;
      }
      if (reply.content === "") this.#phase(message.id, "writing");
      reply = {
        ...reply,
        content: reply.content + event.text,
        origins: addRun(reply.origins ?? [], event.origin, event.text.length),
      };
      yield reply;
      const now = performance.now();
      if (now - shown >= SHOW_EVERY) {
        this.written.set(reply);
        shown = now;
      }
      if (now - saved >= SAVE_EVERY) {
        await this.#chats.replace(reply);
        saved = now;
      }
    }
    throw new EngineError("internal", "The reply broke off without an end.");
  }

  #phase(message: string, phase: Phase): void {
    this.jobs.update((jobs) => jobs.map((job) => (job.message === message ? { ...job, phase } : job)));
  }
}

function request(messages: readonly ChatMessage[], settings: Settings, model: LoadedModel, seed: bigint): ChatRequest {
  const sampling: Sampling = {
    temperature: settings.sampling.temperature ?? model.defaults.temperature,
    topK: settings.sampling.topK ?? model.defaults.topK,
    topP: settings.sampling.topP ?? model.defaults.topP,
    minP: settings.sampling.minP ?? model.defaults.minP,
    repetitionPenalty: settings.sampling.repetitionPenalty ?? model.defaults.repetitionPenalty,
    presencePenalty: settings.sampling.presencePenalty ?? model.defaults.presencePenalty,
    frequencyPenalty: settings.sampling.frequencyPenalty ?? model.defaults.frequencyPenalty,
    seed,
  };
  return { messages, sampling, maxTokens: settings.maxTokens, stop: [], speculation: settings.speculation, personal: settings.personal };
}
