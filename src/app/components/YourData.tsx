import { useEffect, useRef, useState } from "react";
import { exportChats, importChats } from "../../chats/transfer";
import { EngineError } from "../../protocol/errors";
import { useStores, useValue } from "../context";
import { formatBytes } from "../format";
import controls from "../styles/controls.module.css";
import { goTo } from "../use_route";
import { ConfirmButton } from "./ConfirmButton";
import { Section } from "./Dialog";
import classes from "./Fields.module.css";

/** What lies on this device, and the ways to take it away, bring it back, or delete it. */
export function YourData({ onDeleted }: { readonly onDeleted: () => void }) {
  const { chats, engine, replies, notices } = useStores();
  const conversations = useValue(chats.conversations);
  const usage = useStorageUsage();
  const [problem, setProblem] = useState("");
  const picker = useRef<HTMLInputElement>(null);
  const count = conversations?.length ?? 0;

  const save = async () => {
    const url = URL.createObjectURL(new Blob([exportChats(await chats.all())], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `gyre-chats-${new Date().toISOString().slice(0, 10)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000); // The download may only begin after a question to the user.
  };

  const read = async (file: File) => {
    try {
      const transcripts = importChats(await file.text());
      for (const transcript of transcripts) await chats.restore(transcript);
      setProblem("");
      notices.show(transcripts.length === 1 ? "1 conversation was imported." : `${transcripts.length} conversations were imported.`);
    } catch (thrown) {
      setProblem(`${file.name}: ${EngineError.from(thrown).message}`);
    }
  };

  const clear = async () => {
    replies.stop();
    await chats.clear();
    await engine.forget({ measured: true }).catch(notices.failed); // among it pieces of conversations, learnt from replies
    goTo(null);
    onDeleted();
    notices.show("All conversations and settings are deleted.");
  };

  return (
    <Section title="Your data">
      <p className={classes.hint}>
        {count === 1 ? "1 conversation" : `${count} conversations`}, kept only in this browser.{" "}
        {usage !== null && `Gyre, its models included, takes ${formatBytes(usage)} on this device.`}
      </p>
      <div className={classes.row}>
        <button type="button" className={controls.button} disabled={count === 0} onClick={() => void save()}>
          Export conversations
        </button>
        <button type="button" className={controls.button} onClick={() => picker.current?.click()}>
          Import conversations
        </button>
        <ConfirmButton
          label="Delete all conversations and settings"
          question="Really delete them? This cannot be undone"
          onConfirm={() => void clear()}
        />
      </div>
      <input
        ref={picker}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="File with exported conversations"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file !== undefined) void read(file);
        }}
      />
      {problem !== "" && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
    </Section>
  );
}

/** Bytes that the browser keeps for this origin; null where it does not tell. */
export function useStorageUsage(): number | null {
  const [usage, setUsage] = useState<number | null>(null);
  useEffect(() => {
    navigator.storage?.estimate().then(
      (estimate) => setUsage(estimate.usage ?? null),
      () => setUsage(null),
    );
  }, []);
  return usage;
}
