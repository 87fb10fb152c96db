// The worker's end of the wire: finds the handler, hands it a signal and a way to send events, and turns whatever it throws into a message.
import { EngineError } from "./errors";
import type { RequestName, Requests, ToPage, ToWorker } from "./messages";

/** What the host needs of a worker's global scope or a MessagePort. */
export interface HostPort {
  postMessage(message: ToPage): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
}

export interface HandlerContext<N extends RequestName> {
  readonly signal: AbortSignal; // aborted when the page asks for it
  readonly emit: (event: Requests[N]["event"]) => void;
}

export type Handlers = {
  readonly [N in RequestName]: (args: Requests[N]["args"], context: HandlerContext<N>) => Promise<Requests[N]["result"]>;
};

type RequestMessage<N extends RequestName> = {
  readonly [P in N]: { readonly type: "request"; readonly id: number; readonly name: P; readonly args: Requests[P]["args"] };
}[N];

export interface Host {
  /** Tells the page that the worker cannot go on; the page then gives up all that is pending. */
  fatal(error: EngineError): void;
}

/** Answers the requests that arrive on the port. Requests run side by side; what must not is the handlers' affair. */
export function serve(port: HostPort, handlers: Handlers): Host {
  const running = new Map<number, AbortController>();

  async function answer<N extends RequestName>(message: RequestMessage<N>): Promise<void> {
    const { id } = message;
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const handler: Handlers[N] = handlers[message.name];
      const emit = (event: Requests[N]["event"]) => port.postMessage({ type: "event", id, event });
      const result = await handler(message.args, { signal: controller.signal, emit });
      port.postMessage({ type: "result", id, result });
    } catch (thrown) {
      port.postMessage({ type: "error", id, error: EngineError.from(thrown).toMessage() });
    } finally {
      running.delete(id);
    }
  }

  port.addEventListener("message", ({ data }) => {
    if (data.type === "abort") running.get(data.id)?.abort();
    else void answer(data);
  });

  return { fatal: (error) => port.postMessage({ type: "fatal", error: error.toMessage() }) };
}
