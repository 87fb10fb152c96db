// The page's end of the wire: calls with a result, events while they run, and an abort that crosses to the worker.
import { EngineError } from "./errors";
import type { ChatEvent, ChatRequest, RequestName, Requests, ToPage, ToWorker } from "./messages";

/** What the client needs of a Worker or a MessagePort. */
export interface ClientPort {
  postMessage(message: ToWorker): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToPage>) => void): void;
}

export interface CallOptions<N extends RequestName> {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: (event: Requests[N]["event"]) => void;
}

interface Pending {
  readonly event: (event: Requests[RequestName]["event"]) => void;
  readonly result: (result: Requests[RequestName]["result"]) => void;
  readonly error: (error: EngineError) => void;
}

export class Client {
  readonly #port: ClientPort;
  readonly #onFatal: (error: EngineError) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #fatal: EngineError | null = null;

  /** `onFatal` is called once, when the worker says that it cannot go on or when `fail` is called. */
  constructor(port: ClientPort, onFatal: (error: EngineError) => void = () => {}) {
    this.#port = port;
    this.#onFatal = onFatal;
    port.addEventListener("message", (event) => this.#receive(event.data));
  }

  /**
   * Sends one request and waits for its result. Rejects with the worker's EngineError, or with the signal's reason where the call
   * failed after it was aborted: a handler may also answer an abort with a result, as `chat` does.
   */
  call<N extends RequestName>(name: N, args: Requests[N]["args"], options: CallOptions<N> = {}): Promise<Requests[N]["result"]> {
    const { signal, onEvent } = options;
    if (this.#fatal !== null) return Promise.reject(this.#fatal);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const abort = () => this.#port.postMessage({ type: "abort", id });
      const settle = () => {
        this.#pending.delete(id);
        signal?.removeEventListener("abort", abort);
      };
      // The worker answers an id with the events and the result of the name that was sent under it, which types cannot follow.
      this.#pending.set(id, {
        event: (event) => onEvent?.(event),
        result: (result) => {
          settle();
          resolve(result);
        },
        error: (error) => {
          settle();
          reject(signal?.aborted === true ? signal.reason : error);
        },
      });
      try {
        this.#port.postMessage({ type: "request", id, name, args } as ToWorker);
      } catch (thrown) {
        settle();
        reject(EngineError.from(thrown));
        return;
      }
      signal?.addEventListener("abort", abort);
    });
  }

  /** One reply as a stream. Leaving the loop early aborts the reply; so does the signal, after which an "end" event still comes. */
  async *chat(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const left = new AbortController();
    const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
    const queue: ChatEvent[] = [];
    let wake = () => {};
    let done = false;
    const finished = this.call("chat", request, {
      signal: either,
      onEvent: (event) => {
        queue.push(event);
        wake();
      },
    }).finally(() => {
      done = true;
      wake();
    });
    const settled = finished.catch(() => undefined); // It may fail while the reader is busy with an earlier event.
    try {
      for (;;) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else if (done) break;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      await finished;
    } finally {
      left.abort();
      await settled;
    }
  }

  /** Rejects everything that is pending, and every later call, with this error: for a worker that did not start or went silent. */
  fail(error: EngineError): void {
    if (this.#fatal !== null) return;
    this.#fatal = error;
    for (const pending of [...this.#pending.values()]) pending.error(error);
    this.#onFatal(error);
  }

  #receive(message: ToPage): void {
    if (message.type === "fatal") {
      this.fail(EngineError.fromMessage(message.error));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    switch (message.type) {
      case "event":
        pending.event(message.event);
        break;
      case "result":
        pending.result(message.result);
        break;
      case "error":
        pending.error(EngineError.fromMessage(message.error));
        break;
      default:
        message satisfies never;
    }
  }
}
