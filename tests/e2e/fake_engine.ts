// Runs in the page before the app: every worker it starts is this stand-in. For states that a real engine cannot be brought into at will.
import { EngineError } from "../../src/protocol/errors";
import type { FakeOptions } from "../app/fake/handlers";
import { fakeWorker } from "../app/fake/worker";

export interface FakeControl {
  options: Omit<FakeOptions, "reply"> & {
    readonly reply?: string; // {n} in it stands for how many there were, with this one
    readonly loadErrorOnce?: boolean;
  };
  loseDevice(): void;
  breakDown(): void;
}

declare global {
  interface Window {
    gyreFake: FakeControl;
  }
}

let failures = 0;
let replies = 0;
window.gyreFake.loseDevice = () => {};
window.gyreFake.breakDown = () => {};

window.Worker = function FakeWorker() {
  const { reply, loadErrorOnce, ...options } = window.gyreFake.options;
  const worker = fakeWorker({
    ...options,
    ...(reply === undefined ? {} : { reply: () => reply.replace("{n}", String(++replies)) }),
    loadError: () =>
      loadErrorOnce === true && failures++ === 0
        ? new EngineError("network", "The demo model could not be downloaded.", "models/gyre-demo/model.safetensors, chunk 1: 503")
        : null,
  });
  window.gyreFake.loseDevice = () =>
    worker.host.fatal(new EngineError("device-lost", "The browser lost its connection to the GPU.", "reset"));
  window.gyreFake.breakDown = () => worker.breakDown();
  return worker;
} as unknown as typeof Worker;
