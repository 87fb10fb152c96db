// The stores that the whole page shares. They never change, so that the context re-renders nothing; components subscribe to values in them.
import { createContext, useContext, useSyncExternalStore } from "react";
import type { Observable } from "../chats/observable";
import type { ChatStore } from "../chats/store";
import type { EngineStore } from "./stores/engine";
import type { NoticeStore } from "./stores/notices";
import type { ReplyStore } from "./stores/replies";

export interface Stores {
  readonly chats: ChatStore;
  readonly engine: EngineStore;
  readonly replies: ReplyStore;
  readonly notices: NoticeStore;
}

export const StoresContext = createContext<Stores | null>(null);

export function useStores(): Stores {
  const stores = useContext(StoresContext);
  if (stores === null) throw new Error("This component must stand inside StoresContext.");
  return stores;
}

/** The value, and a new rendering whenever it changes. */
export function useValue<T>(value: Observable<T>): T {
  return useSyncExternalStore(value.subscribe, value.get);
}
