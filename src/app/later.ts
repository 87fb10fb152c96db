// Code that the first frame does without: Markdown and the dialogs. It is fetched as soon as the page has time, and is never waited for
// by what can be shown without it.
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

export const markdown = new Later(() => import("./components/Markdown"));
export const dialogs = new Later(() => import("./components/dialogs"));

/** To be called after the first frame. */
export function fetchLater(): void {
  const fetch = () => {
    markdown.fetch();
    dialogs.fetch();
  };
  if ("requestIdleCallback" in globalThis) requestIdleCallback(fetch, { timeout: 1000 });
  else setTimeout(fetch, 100); // Safari
}
