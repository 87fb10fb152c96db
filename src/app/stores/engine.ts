// The page's view of the engine: the worker's life, which models there are, and which one is loaded or on its way.
import { Value } from "../../chats/observable";
import { Client, type ClientPort } from "../../protocol/client";
import { EngineError } from "../../protocol/errors";
import type { LoadedModel, LoadProgress, ModelEntry, PersonalTable, PickedFile, Precision } from "../../protocol/messages";

/** A Worker, or what stands in for one in a test. */
export interface EngineWorker extends ClientPort {
  addEventListener(type: "message" | "error" | "messageerror", listener: (event: MessageEvent) => void): void;
  terminate(): void;
}

export type EngineState =
  | { readonly kind: "starting" }
  | { readonly kind: "loading"; readonly entry: ModelEntry; readonly progress: LoadProgress | null }
  | { readonly kind: "ready"; readonly model: LoadedModel }
  | { readonly kind: "failed"; readonly error: EngineError };

export interface Importing {
  readonly name: string;
  readonly progress: LoadProgress | null;
}

const COULD_NOT_START =
  "The engine could not start in the background. Reload the page; if that does not help, your browser may be too old.";
const BROKE_DOWN = "The engine broke down in the background. Restart it, or reload the page.";

export class EngineStore {
  readonly state = new Value<EngineState>({ kind: "starting" });
  readonly models = new Value<readonly ModelEntry[]>([]);
  readonly importing = new Value<Importing | null>(null);
  readonly importProblem = new Value<EngineError | null>(null); // why the last import failed
  readonly #createWorker: () => EngineWorker;
  readonly #supported: () => boolean;
  #worker: EngineWorker | null = null;
  #client: Client | null = null;
  #wanted = ""; // id of the model to load; empty: the shipped one
  #loading: AbortController | null = null;
  #importing: AbortController | null = null;

  constructor(createWorker: () => EngineWorker, supported: () => boolean = () => "gpu" in navigator) {
    this.#createWorker = createWorker;
    this.#supported = supported;
  }

  /** Starts the worker and loads a model: the one with this id, or the shipped one if there is none. What goes wrong ends up in `state`. */
  async start(wanted: string): Promise<void> {
    this.#wanted = wanted;
    const old = this.#client;
    this.#client = null;
    this.#loading = null;
    this.#worker?.terminate();
    old?.fail(new EngineError("internal", "The engine was restarted."));
    this.state.set({ kind: "starting" });
    if (!this.#supported()) {
      this.#failed(new EngineError("no-webgpu", "This browser does not offer WebGPU, which Gyre computes with."));
      return;
    }
    try {
      const worker = this.#createWorker();
      const client = new Client(worker, (error) => {
        if (this.#client === client) this.#failed(error);
      });
      this.#worker = worker;
      this.#client = client;
      let started = false;
      const broken = (event: Event) => {
        const detail = "message" in event ? String(event.message) : "";
        client.fail(new EngineError("internal", started ? BROKE_DOWN : COULD_NOT_START, detail));
      };
      worker.addEventListener("message", () => {
        started = true;
      });
      worker.addEventListener("error", broken);
      worker.addEventListener("messageerror", broken);
      await this.refresh();
      await this.load(wanted);
    } catch (thrown) {
      this.#failed(EngineError.from(thrown));
    }
  }

  /** A new worker for the model that was wanted last: after a lost device, or as a second try. */
  restart(): Promise<void> {
    return this.start(this.#wanted);
  }

  async refresh(): Promise<void> {
    this.models.set(await this.#call().call("models", null));
  }

  /** Loads a model in place of the one that is loaded. What goes wrong ends up in `state`. */
  async load(id: string): Promise<void> {
    const models = this.models.get();
    const entry = models.find((one) => one.id === id) ?? models.find((one) => one.shipped);
    if (entry === undefined) {
      this.#failed(new EngineError("model-missing", "There is no model to load. Open a model folder under Models."));
      return;
    }
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    this.#wanted = entry.id;
    this.state.set({ kind: "loading", entry, progress: null });
    try {
      const onEvent = (progress: LoadProgress) => {
        if (this.#loading === loading) this.state.set({ kind: "loading", entry, progress });
      };
      const model = await this.#call().call("load", { id: entry.id }, { signal: loading.signal, onEvent });
      if (this.#loading !== loading) return;
      this.state.set({ kind: "ready", model });
      await this.refresh();
    } catch (thrown) {
      if (this.#loading === loading) this.#failed(EngineError.from(thrown));
    }
  }

  /** Takes a folder that the user picked into storage. Null if it was cancelled, or if it failed: `importProblem` then says why. */
  async import(name: string, files: readonly PickedFile[], precision: Precision): Promise<ModelEntry | null> {
    const { signal } = (this.#importing = new AbortController());
    this.importProblem.set(null);
    this.importing.set({ name, progress: null });
    try {
      if (files.length === 0)
        throw new EngineError("model-missing", `${name} holds no model: config.json and safetensors files are needed.`);
      const onEvent = (progress: LoadProgress) => this.importing.set({ name, progress });
      const entry = await this.#call().call("import", { name, files, precision }, { signal, onEvent });
      await this.refresh();
      return entry;
    } catch (thrown) {
      if (!signal.aborted) this.importProblem.set(EngineError.from(thrown));
      return null;
    } finally {
      this.importing.set(null);
    }
  }

  cancelImport(): void {
    this.#importing?.abort();
  }

  /** Removes a model from this device. Where it was the loaded one, the shipped one takes its place. */
  async remove(id: string): Promise<void> {
    await this.#call().call("remove", { id });
    await this.refresh();
    const state = this.state.get();
    if (state.kind === "ready" && state.model.entry.id === id) void this.load("");
  }

  /** What this device has learnt of the loaded model's replies. */
  learnt(entries: number): Promise<PersonalTable> {
    return this.#call().call("personal", { entries });
  }

  /** Forgets what this device has learnt, of every model; with `measured`, also what was measured on its GPU. */
  async forget({ measured = false } = {}): Promise<void> {
    if (this.state.get().kind !== "failed") {
      await this.#call().call("forget", { measured });
      return;
    }
    // An engine that failed may not answer; forgetting needs no GPU, so that a fresh worker can do it.
    const worker = this.#createWorker();
    const client = new Client(worker);
    worker.addEventListener("error", () => client.fail(new EngineError("internal", COULD_NOT_START)));
    try {
      await client.call("forget", { measured });
    } finally {
      worker.terminate();
    }
  }

  /** Resolves as soon as a model is loaded, however many tries that takes. */
  loaded(): Promise<void> {
    return this.#reached(["ready"]);
  }

  /** Resolves as soon as a model is loaded, or could not be. */
  settled(): Promise<void> {
    return this.#reached(["ready", "failed"]);
  }

  /**
   * The client and its model, once one is loaded; waits while one is on its way, and tries again where loading failed.
   * Rejects with the EngineError of a failure, or with the signal's reason.
   */
  async whenReady(signal: AbortSignal): Promise<{ readonly client: Client; readonly model: LoadedModel }> {
    const failed = this.state.get();
    if (failed.kind === "failed") {
      if (failed.error.code === "no-webgpu") throw failed.error;
      void this.restart();
    }
    return new Promise((resolve, reject) => {
      const look = () => {
        const state = this.state.get();
        if (signal.aborted) reject(signal.reason);
        else if (state.kind === "ready") resolve({ client: this.#call(), model: state.model });
        else if (state.kind === "failed") reject(state.error);
        else return;
        unsubscribe();
        signal.removeEventListener("abort", look);
      };
      const unsubscribe = this.state.subscribe(look);
      signal.addEventListener("abort", look);
      look();
    });
  }

  #reached(kinds: readonly EngineState["kind"][]): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!kinds.includes(this.state.get().kind)) return;
        unsubscribe();
        resolve();
      };
      const unsubscribe = this.state.subscribe(look);
      look();
    });
  }

  #call(): Client {
    if (this.#client === null) throw new EngineError("internal", COULD_NOT_START);
    return this.#client;
  }

  #failed(error: EngineError): void {
    this.#loading = null;
    this.state.set({ kind: "failed", error });
  }
}
