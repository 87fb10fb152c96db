// The stand-in engine behind a MessageChannel, for unit tests of the page's stores.
import type { EngineWorker } from "../../../src/app/stores/engine";
import { type Host, serve } from "../../../src/protocol/host";
import { type FakeOptions, fakeHandlers } from "./handlers";

export interface FakeWorker extends EngineWorker {
  readonly host: Host;
  readonly terminated: boolean;
  breakDown(): void; // as a worker whose script cannot be loaded
}

export function fakeWorker(options: FakeOptions = {}): FakeWorker {
  const { port1, port2 } = new MessageChannel();
  const host = serve(port2, fakeHandlers(options));
  let terminated = false;
  const broken: ((event: MessageEvent) => void)[] = [];
  port1.start();
  port2.start();
  return {
    host,
    get terminated() {
      return terminated;
    },
    postMessage: (message) => port1.postMessage(message),
    addEventListener: (type: string, listener: (event: MessageEvent) => void) => {
      if (type === "message") port1.addEventListener("message", listener);
      else if (type === "error") broken.push(listener);
    },
    terminate() {
      terminated = true;
      port1.close();
      port2.close();
    },
    breakDown() {
      for (const listener of broken) listener(new MessageEvent("error"));
    },
  };
}
