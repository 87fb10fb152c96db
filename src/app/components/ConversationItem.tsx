import { useState } from "react";
import type { Conversation } from "../../chats/schema";
import { useStores } from "../context";
import { isComposing } from "../keys";
import controls from "../styles/controls.module.css";
import { linkTo } from "../use_route";
import { Icon } from "./Icon";
import classes from "./Sidebar.module.css";

interface Props {
  readonly conversation: Conversation;
  readonly current: boolean;
  readonly onOpen: () => void;
  readonly onDelete: () => void;
}

export function ConversationItem({ conversation: { id, title }, current, onOpen, onDelete }: Props) {
  const { chats } = useStores();
  const [name, setName] = useState<string | null>(null);
  if (name !== null) {
    const save = () => {
      setName(null);
      if (name.trim() !== "" && name.trim() !== title) void chats.rename(id, name.trim());
    };
    return (
      <li className={classes.item}>
        <input
          className={controls.field}
          aria-label="Name of the conversation"
          autoFocus
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
          onBlur={save}
          onKeyDown={(event) => {
            if (isComposing(event.nativeEvent)) return;
            if (event.key === "Enter") save();
            if (event.key === "Escape") {
              event.preventDefault(); // It ends the renaming, not a reply.
              setName(null);
            }
          }}
        />
      </li>
    );
  }
  return (
    <li className={current ? classes.current : classes.item}>
      <a className={classes.link} href={linkTo(id)} aria-current={current ? "page" : undefined} title={title} onClick={onOpen}>
        {title}
      </a>
      <span className={classes.tools}>
        <button type="button" className={controls.icon} aria-label={`Rename “${title}”`} title="Rename" onClick={() => setName(title)}>
          <Icon name="edit" />
        </button>
        <button type="button" className={controls.icon} aria-label={`Delete “${title}”`} title="Delete" onClick={onDelete}>
          <Icon name="bin" />
        </button>
      </span>
    </li>
  );
}
