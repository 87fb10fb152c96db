import { useCallback, useEffect, useState } from "react";
import classes from "./App.module.css";
import { Composer } from "./components/Composer";
import { EmptyState } from "./components/EmptyState";
import { Header } from "./components/Header";
import { Icon } from "./components/Icon";
import { Notices } from "./components/Notices";
import { Sidebar } from "./components/Sidebar";
import { Thread } from "./components/Thread";
import { Trouble } from "./components/Trouble";
import { useStores, useValue } from "./context";
import { loadDraft, saveDraft } from "./drafts";
import { isComposing } from "./keys";
import { dialogs, explanation } from "./later";
import controls from "./styles/controls.module.css";
import { useInstall } from "./use_install";
import { goTo, useIsExplaining, useRoute } from "./use_route";

export function App() {
  const { chats, engine, replies, notices } = useStores();
  const route = useRoute();
  const explaining = useIsExplaining();
  const conversations = useValue(chats.conversations);
  const { theme } = useValue(chats.settings);
  const state = useValue(engine.state);
  const announcement = useValue(replies.announcement);
  const [drawer, setDrawer] = useState(false);
  const [dialog, setDialog] = useState<"settings" | "models" | null>(null);
  const [restored, setRestored] = useState(0); // drafts that came back because they could not be sent
  const install = useInstall();
  const opened = useValue(dialogs.module);
  const explained = useValue(explanation.module);

  const conversation = conversations?.find((one) => one.id === route);
  const title = explaining ? "How speculation works" : (conversation?.title ?? "New chat");
  const notFetched = useCallback(
    () => notices.show("This part of Gyre could not be fetched. Look at your connection, or reload the page."),
    [notices],
  );
  const unsupported = state.kind === "failed" && (state.error.code === "no-webgpu" || state.error.code === "no-adapter");

  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);

  useEffect(() => {
    document.title = conversation === undefined && !explaining ? "Gyre" : `${title} · Gyre`;
  }, [conversation, explaining, title]);

  useEffect(() => {
    if (explaining) explanation.fetch(notFetched);
  }, [explaining, notFetched]);

  useEffect(() => {
    if (route !== null && conversations !== null && conversation === undefined) goTo(null);
  }, [route, conversations, conversation]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || isComposing(event) || document.querySelector("dialog[open]") !== null) return;
      const elsewhere = event.target instanceof Element && event.target.matches("input, textarea:not([name=message])");
      if (drawer) setDrawer(false);
      else if (route !== null && !elsewhere) replies.stop(route);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [drawer, route, replies]);

  // A drawer that was open when the screen was turned would leave the page inert, with nothing there to close it.
  useEffect(() => {
    const wide = matchMedia("(min-width: 720px)");
    const close = () => setDrawer(false);
    wide.addEventListener("change", close);
    return () => wide.removeEventListener("change", close);
  }, []);

  // While its dialog is open, an import's failure is shown there.
  useEffect(() => {
    if (dialog === "models") return;
    return engine.importProblem.subscribe(() => {
      const problem = engine.importProblem.get();
      if (problem !== null) notices.failed(problem);
    });
  }, [dialog, engine, notices]);

  const send = useCallback(
    async (text: string) => {
      const to = conversation?.id ?? null;
      try {
        const id = await replies.send(to, text);
        if (to === null) goTo(id);
      } catch (thrown) {
        notices.failed(thrown);
        const place = chats.conversations.get()?.some((one) => one.id === to) ? to : null; // It may have been deleted in another tab.
        saveDraft(place, [text, loadDraft(place)].filter((part) => part !== "").join("\n"));
        setRestored((count) => count + 1);
      }
    },
    [chats, replies, notices, conversation],
  );

  const remove = async (id: string) => {
    replies.stop(id);
    if (id === route) goTo(null);
    const gone = await chats.remove(id);
    notices.show(`“${gone.conversation.title}” is deleted.`, { action: { label: "Undo", run: () => void chats.restore(gone) } });
  };

  const show = (name: "settings" | "models") => {
    setDrawer(false);
    setDialog(name);
    dialogs.fetch(() => {
      setDialog(null);
      notFetched();
    });
  };
  const trouble = <Trouble onModels={() => show("models")} />;

  return (
    <div className={classes.app}>
      <Sidebar current={route} open={drawer} onClose={() => setDrawer(false)} onDelete={(id) => void remove(id).catch(notices.failed)}>
        {install !== null && (
          <button type="button" onClick={install}>
            <Icon name="install" /> Install Gyre
          </button>
        )}
        <button type="button" onClick={() => show("models")}>
          <Icon name="model" /> Models
        </button>
        <button type="button" onClick={() => show("settings")}>
          <Icon name="settings" /> Settings
        </button>
      </Sidebar>
      {drawer && (
        <button type="button" className={classes.scrim} aria-label="Close the list" tabIndex={-1} onClick={() => setDrawer(false)} />
      )}
      <main className={classes.main} inert={drawer}>
        <Header title={title} onMenu={() => setDrawer(true)} onModels={() => show("models")} />
        {explaining ? (
          explained !== null && <explained.Explanation />
        ) : (
          <>
            {conversation === undefined ? (
              <EmptyState onSend={(text) => void send(text)} trouble={unsupported ? trouble : null} />
            ) : (
              <Thread key={conversation.id} conversation={conversation.id} />
            )}
            {(conversation !== undefined || !unsupported) && trouble}
            <Composer
              key={restored}
              conversation={conversation?.id ?? null}
              disabled={unsupported ? "Gyre needs WebGPU to answer" : null}
              onSend={(text) => void send(text)}
            />
          </>
        )}
      </main>
      <Notices />
      <div className={controls.hidden} aria-live="polite">
        {announcement}
      </div>
      {dialog === "settings" && opened !== null && <opened.SettingsDialog onClose={() => setDialog(null)} />}
      {dialog === "models" && opened !== null && <opened.ModelsDialog onClose={() => setDialog(null)} />}
    </div>
  );
}
