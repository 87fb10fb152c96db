import { memo, useState } from "react";
import type { UserMessage } from "../../chats/schema";
import { useStores } from "../context";
import controls from "../styles/controls.module.css";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";
import classes from "./Message.module.css";

interface Props {
  readonly message: UserMessage;
  readonly editable: boolean; // only the last one is: editing an earlier one would delete more than meets the eye
}

export const UserMessageView = memo(({ message, editable }: Props) => {
  const { replies } = useStores();
  const [draft, setDraft] = useState<string | null>(null);
  const save = () => {
    if (draft === null || draft.trim() === "") return;
    setDraft(null);
    void replies.edit(message, draft.trim());
  };
  return (
    <article className={classes.user} aria-label="You">
      {draft === null ? (
        <div className={classes.bubble}>{message.content}</div>
      ) : (
        <form
          className={classes.editor}
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <textarea
            className={controls.field}
            aria-label="Edit your message"
            autoFocus
            rows={4}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") setDraft(null);
              if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
                event.preventDefault();
                save();
              }
            }}
          />
          <div className={classes.editorButtons}>
            <button type="button" className={controls.button} onClick={() => setDraft(null)}>
              Cancel
            </button>
            <button type="submit" className={controls.primary} disabled={draft.trim() === ""}>
              Send again
            </button>
          </div>
        </form>
      )}
      {draft === null && (
        <div className={classes.actions}>
          <CopyButton text={message.content} label="Copy message" />
          {editable && (
            <button
              type="button"
              className={controls.icon}
              aria-label="Edit message"
              title="Edit and send again"
              onClick={() => setDraft(message.content)}
            >
              <Icon name="edit" />
            </button>
          )}
        </div>
      )}
    </article>
  );
});
