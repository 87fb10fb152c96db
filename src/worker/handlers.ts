// What the worker does for each request of the page. One model is loaded at a time.
import { Engine } from "../engine/engine";
import { samplingDefaults } from "../engine/sampling_defaults";
import type { ChatSession } from "../engine/session";
import { type Gpu, openGpu } from "../gpu/device";
import { EngineError } from "../protocol/errors";
import type { Handlers } from "../protocol/host";
import type { ChatEvent, ChatRequest, ReplyStats } from "../protocol/messages";
import { openCheckpoint } from "../weights/checkpoint";
import { PersonalStore } from "../weights/personal_store";
import { IndexedTunings } from "../weights/tuning_store";
import type { Language } from "./language";
import type { Models } from "./models";

interface Loaded {
  readonly id: string;
  readonly engine: Engine;
  readonly session: ChatSession;
  readonly language: Language;
}

/** `onLost` hears when the GPU is gone, after which nothing here works any more. */
export function makeHandlers(models: Models, onLost: (error: EngineError) => void): Handlers {
  const tunings = new IndexedTunings();
  const learnt = new PersonalStore();
  let gpu: Promise<Gpu> | null = null;
  let loaded: Loaded | null = null;
  let loading: Promise<unknown> = Promise.resolve();
  let replying: { readonly stop: AbortController; readonly finished: Promise<unknown> } | null = null;

  const openOnce = () => {
    gpu ??= openGpu(navigator.gpu);
    // A failure is not kept: the user may have changed a setting of the browser.
    gpu.then(
      ({ lost }) => lost.then(onLost),
      () => {
        gpu = null;
      },
    );
    return gpu;
  };

  /** A reply that is being written ends first, since it uses what is let go of here. */
  const unload = async () => {
    replying?.stop.abort();
    await replying?.finished;
    loaded?.engine.dispose();
    loaded = null;
  };

  const reply = async (
    { session }: Loaded,
    request: ChatRequest,
    signal: AbortSignal,
    emit: (event: ChatEvent) => void,
  ): Promise<ReplyStats> => {
    for await (const event of session.chat(request, signal)) {
      emit(event);
      if (event.type === "end") return event.stats;
    }
    throw new EngineError("internal", "A reply stopped without an end.");
  };

  const loadOnce: Handlers["load"] = async ({ id }, { emit, signal }) => {
    signal.throwIfAborted();
    const device = await openOnce(); // before the download, which would be in vain without it
    const { source, entry } = await models.open(id, emit, signal);
    const start = performance.now();
    const checkpoint = await openCheckpoint(source);
    const { openLanguage } = await import("./language");
    const language = await openLanguage(checkpoint, id, learnt);
    signal.throwIfAborted();
    await unload();
    const engine = await Engine.load(device, checkpoint, { liveTokens: language.tokenizer.vocabularySize, tunings, onProgress: emit });
    if (signal.aborted) {
      engine.dispose();
      throw signal.reason;
    }
    loaded = { id, engine, session: language.converse(engine), language };
    return {
      entry,
      contextLength: engine.contextLength,
      defaults: samplingDefaults(checkpoint.generationConfig),
      adapter: device.name,
      exact: engine.exact,
      loadMs: performance.now() - start,
      ...engine.memory,
    };
  };

  /** Storage can spoil. What is shipped is then downloaded anew, once: a second failure is not the storage's. */
  const load: Handlers["load"] = async (args, context) => {
    try {
      return await loadOnce(args, context);
    } catch (error) {
      const isDamaged = error instanceof EngineError && error.code === "model-damaged" && !context.signal.aborted;
      if (!isDamaged || !(await models.mend(args.id, error, context.emit, context.signal))) throw error;
      return loadOnce(args, context);
    }
  };

  return {
    models: () => models.list(),
    load(args, context) {
      // One after another: two loads at once would hold two models in memory.
      const turn = loading.catch(() => {}).then(() => load(args, context));
      loading = turn;
      return turn;
    },
    import: ({ name, files, precision }, { emit, signal }) => models.import(name, files, precision, emit, signal),
    async remove({ id }) {
      if (loaded?.id === id) await unload();
      await models.remove(id);
      await learnt.remove(id);
      return null;
    },
    async personal({ entries }) {
      if (!loaded) return { bytes: 0, contexts: 0, entries: [] };
      const { personal, tokenizer } = loaded.language;
      await personal.refresh();
      return personal.show(tokenizer, entries);
    },
    async forget({ measured }) {
      await learnt.clear();
      await loaded?.language.personal.refresh();
      if (measured) await tunings.clear();
      return null;
    },
    async chat(request, { emit, signal }) {
      if (!loaded) throw new EngineError("busy", "No model is ready yet.");
      if (replying) throw new EngineError("busy", "The model is still writing another reply.");
      const stop = new AbortController();
      const stats = reply(loaded, request, AbortSignal.any([signal, stop.signal]), emit);
      replying = { stop, finished: stats.catch(() => {}) };
      try {
        return await stats;
      } finally {
        replying = null;
      }
    },
  };
}
