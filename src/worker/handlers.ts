// What the worker does for each request of the page. One model is loaded at a time.
import { Engine } from "../engine/engine";
import { ChatSession } from "../engine/session";
import { type Gpu, openGpu } from "../gpu/device";
import { EngineError } from "../protocol/errors";
import type { Handlers } from "../protocol/host";
import type { LoadedModel } from "../protocol/messages";
import { endTokens } from "../text/end_tokens";
import { loadTemplate } from "../text/template";
import { loadTokenizer } from "../text/tokenizer";
import { openCheckpoint } from "../weights/checkpoint";
import type { Models } from "./models";

// For models that do not say how they want to be sampled.
const DEFAULTS = { temperature: 0.7, top_k: 40, top_p: 1, min_p: 0, repetition_penalty: 1 } as const;

interface Loaded {
  readonly id: string;
  readonly engine: Engine;
  readonly session: ChatSession;
}

/** `onLost` hears when the GPU is gone, after which nothing here works any more. */
export function makeHandlers(models: Models, onLost: (error: EngineError) => void): Handlers {
  let gpu: Promise<Gpu> | null = null;
  let loaded: Loaded | null = null;
  let loading: Promise<unknown> = Promise.resolve();

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

  const unload = () => {
    loaded?.engine.dispose();
    loaded = null;
  };

  const load: Handlers["load"] = async ({ id }, { emit, signal }) => {
    const start = performance.now();
    const device = await openOnce();
    const { source, entry } = await models.open(id, emit, signal);
    const checkpoint = await openCheckpoint(source);
    const tokenizer = await loadTokenizer(source);
    const template = await loadTemplate(source, tokenizer);
    signal.throwIfAborted();
    unload();
    const engine = await Engine.load(device, checkpoint, { liveTokens: tokenizer.vocabularySize, onProgress: emit });
    const ends = endTokens(checkpoint.config, checkpoint.generationConfig, tokenizer);
    loaded = { id, engine, session: new ChatSession(engine, tokenizer, template, ends) };
    return {
      entry,
      contextLength: engine.contextLength,
      defaults: samplingDefaults(checkpoint.generationConfig),
      adapter: device.name,
      loadMs: performance.now() - start,
      ...engine.memory,
    };
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
      if (loaded?.id === id) unload();
      await models.remove(id);
      return null;
    },
    async chat(request, { emit, signal }) {
      if (!loaded) throw new EngineError("busy", "No model is ready yet.");
      for await (const event of loaded.session.chat(request, signal)) {
        emit(event);
        if (event.type === "end") return event.stats;
      }
      throw new EngineError("internal", "A reply stopped without an end.");
    },
  };
}

function samplingDefaults(config: Readonly<Record<string, unknown>>): LoadedModel["defaults"] {
  const number = (key: keyof typeof DEFAULTS): number => {
    const value = config[key];
    return typeof value === "number" ? value : DEFAULTS[key];
  };
  return {
    temperature: number("temperature"),
    topK: number("top_k"),
    topP: number("top_p"),
    minP: number("min_p"),
    repetitionPenalty: number("repetition_penalty"),
    presencePenalty: 0,
    frequencyPenalty: 0,
  };
}
