import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useStores, useValue } from "../context";
import { loadDraft, saveDraft } from "../drafts";
import { isComposing } from "../keys";
import classes from "./Composer.module.css";
import { Icon } from "./Icon";

interface Props {
  readonly conversation: string | null;
  readonly disabled: string | null; // why nothing can be sent; null where it can
  readonly onSend: (text: string) => void;
}

export function Composer({ conversation, disabled, onSend }: Props) {
  const { replies } = useStores();
  const jobs = useValue(replies.jobs);
  const busy = jobs.some((job) => job.conversation === conversation);
  const [owner, setOwner] = useState(conversation); // the conversation that the text belongs to
  const [text, setText] = useState(() => loadDraft(conversation));
  const field = useRef<HTMLTextAreaElement>(null);

  if (owner !== conversation) {
    setOwner(conversation);
    setText(loadDraft(conversation));
  }

  // Typing can begin at once, except where that would open a phone's keyboard over the page.
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, [conversation]);

  // `field-sizing: content` does this in CSS, but not yet in every browser.
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text]);

  const change = (changed: string) => {
    setText(changed);
    saveDraft(conversation, changed);
  };

  const send = () => {
    const message = text.trim();
    if (message === "" || busy || disabled !== null) return;
    change("");
    onSend(message);
  };

  return (
    <form
      className={classes.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className={classes.box}>
        <textarea
          ref={field}
          name="message"
          className={classes.field}
          aria-label="Message"
          placeholder={disabled ?? "Say something…"}
          disabled={disabled !== null}
          rows={1}
          enterKeyHint="send"
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || isComposing(event.nativeEvent)) return;
            event.preventDefault();
            send();
          }}
        />
        {busy ? (
          <button
            type="button"
            className={classes.button}
            aria-label="Stop"
            title="Stop (Esc)"
            onClick={() => replies.stop(conversation ?? undefined)}
          >
            <Icon name="stop" />
          </button>
        ) : (
          <button
            type="submit"
            className={classes.button}
            aria-label="Send"
            title="Send (Enter)"
            disabled={text.trim() === "" || disabled !== null}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
      <p className={classes.hint}>Runs on this device; nothing you type leaves it. A small model is often wrong.</p>
    </form>
  );
}
