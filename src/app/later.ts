// Code that the first reply does without: what replies are shown with, the dialogs, and the explanation. Each is fetched when it is first wanted, after the first visit
// from the service worker's cache, and nothing that can be shown without it waits.
import { Value } from "../chats/observable";

export class Later<T> {
  readonly module = new Value<T | null>(null);
  readonly #load: () => Promise<T>;
  #loading = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Fetches the module if that has not been done; after a failure the next call tries again, and `onFailure` hears of it. */
  readonly fetch = (onFailure: () => void = () => {}): void => {
    if (this.#loading || this.module.get() !== null) return;
    this.#loading = true;
    this.#load()
      .then((module) => this.module.set(module), onFailure)
      .finally(() => {
        this.#loading = false;
      });
  };
}

export const replyParts = new Later(() => import("./components/reply_parts"));
export const dialogs = new Later(() => import("./components/dialogs"));
export const explanation = new Later(() => import("./speculation/Explanation"));
