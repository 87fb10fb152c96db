// Which page or conversation is shown, kept in the address's hash, so that a reload, the back button and a bookmark find it again.
import { useSyncExternalStore } from "react";

const PREFIX = "#/c/";

const subscribe = (listener: () => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

const current = () => (location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : null);

/** The address of the page that explains speculation. */
export const SPECULATION_PAGE = "#/speculation";

/** Whether that page is shown. */
export function useIsExplaining(): boolean {
  return useSyncExternalStore(subscribe, () => location.hash === SPECULATION_PAGE);
}

/** The id of the conversation that is shown; null for a new one, and on other pages. */
export function useRoute(): string | null {
  return useSyncExternalStore(subscribe, current);
}

export function linkTo(conversation: string | null): string {
  return conversation === null ? "#/" : `${PREFIX}${conversation}`;
}

export function goTo(conversation: string | null): void {
  location.hash = linkTo(conversation);
}
