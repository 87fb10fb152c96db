// Puts the page together: stores, the engine behind them, and React in front. The engine's worker is given by the caller.
import { createRoot } from "react-dom/client";
import { ChatStore } from "../chats/store";
import { App } from "./App";
import { ErrorBoundary } from "./components/ErrorBoundary";
import { type Stores, StoresContext } from "./context";
import { EngineStore, type EngineWorker } from "./stores/engine";
import { NoticeStore } from "./stores/notices";
import { ReplyStore } from "./stores/replies";
import "./styles/global.css";

const PATIENCE = 300; // ms to wait for saved settings before the first frame, so that it has the right colours

export async function start(root: HTMLElement, createWorker: () => EngineWorker): Promise<Stores> {
  const chats = new ChatStore("BroadcastChannel" in globalThis ? new BroadcastChannel("gyre-chats") : null);
  const engine = new EngineStore(createWorker);
  const replies = new ReplyStore(chats, engine);
  const notices = new NoticeStore();
  const stores = { chats, engine, replies, notices };
  const opened = chats.open();
  void opened.then(() => engine.start(chats.settings.get().model));
  await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  createRoot(root).render(
    <ErrorBoundary>
      <StoresContext value={stores}>
        <App />
      </StoresContext>
    </ErrorBoundary>,
  );
  rememberModel(chats, engine);
  keepOnceUsed(replies);
  return stores;
}

/** The next visit begins with the model that was loaded last. */
function rememberModel(chats: ChatStore, engine: EngineStore): void {
  engine.state.subscribe(() => {
    const state = engine.state.get();
    if (state.kind !== "ready") return;
    const { id, shipped } = state.model.entry;
    const model = shipped ? "" : id;
    if (model !== chats.settings.get().model) void chats.saveSettings({ model });
  });
}

/** Asks the browser to keep the data when space runs short, once there is something to keep; Firefox asks the user about it. */
function keepOnceUsed(replies: ReplyStore): void {
  const unsubscribe = replies.announcement.subscribe(() => {
    unsubscribe();
    navigator.storage?.persist?.().catch(() => false);
  });
}
