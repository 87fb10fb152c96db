// The page's stores before a stand-in engine, and waiting for what they hold.
import { afterEach, vi } from "vitest";
import { EngineStore } from "../../../src/app/stores/engine";
import { ReplyStore } from "../../../src/app/stores/replies";
import type { Observable } from "../../../src/chats/observable";
import { ChatStore } from "../../../src/chats/store";
import type { FakeOptions } from "./handlers";
import { type FakeWorker, fakeWorker } from "./worker";

/** The workers that a test's engine has started so far. */
export const workers: FakeWorker[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const worker of workers.splice(0)) worker.terminate();
});

export function build(options: FakeOptions = {}) {
  const chats = new ChatStore();
  chats.conversations.set([]);
  const engine = new EngineStore(
    () => {
      const worker = fakeWorker(options);
      workers.push(worker);
      return worker;
    },
    () => true,
  );
  return { chats, engine, replies: new ReplyStore(chats, engine) };
}

/** A value as soon as it is as wanted. */
export function until<T>(value: Observable<T>, holds: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds(value.get())) return;
      unsubscribe();
      resolve(value.get());
    };
    const unsubscribe = value.subscribe(look);
    look();
  });
}
