import { memo, useState } from "react";
import type { UserMessage } from "../../chats/schema";
import { useStores } from "../context";
import { isComposing } from "../keys";
import controls from "../styles/controls.module.css";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";
import classes from "./Message.module.css";

interface Props {
  readonly message: UserMessage;
  readonly editable: boolean; // only the last one is: editing an earlier one would delete more than meets the eye
}

export const UserMessageView = memo(({ message, editable }: Props) => {
  const { replies, notices } = useStores();
  const [editing, setEditing] = useState(false);
  const [draft, setDraft] = useState(""); // kept while a reply is written, as the form is not there then
  if (editing && !editable) setEditing(false);
  const edit = () => {
    if (draft === "") setDraft(message.content);
    setEditing(true);
  };
  const close = () => {
    setDraft("");
    setEditing(false);
  };
  const save = () => {
    if (draft.trim() === "") return;
    close();
    void replies.edit(message, draft.trim()).catch(notices.failed);
  };
  return (
    <article className={classes.user} aria-label="You">
      {!editing ? (
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
              if (isComposing(event.nativeEvent)) return;
              if (event.key === "Escape") {
                event.preventDefault(); // It ends the editing, not a reply.
                close();
              }
              if (event.key === "Enter" && !event.shiftKey) {
                event.preventDefault();
                save();
              }
            }}
          />
          <div className={classes.editorButtons}>
            <button type="button" className={controls.button} onClick={close}>
              Cancel
            </button>
            <button type="submit" className={controls.primary} disabled={draft.trim() === ""}>
              Send again
            </button>
          </div>
        </form>
      )}
      {!editing && (
        <div className={classes.actions}>
          <CopyButton text={message.content} label="Copy message" />
          {editable && (
            <button type="button" className={controls.icon} aria-label="Edit message" title="Edit and send again" onClick={edit}>
              <Icon name="edit" />
            </button>
          )}
        </div>
      )}
    </article>
  );
});
