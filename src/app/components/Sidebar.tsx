import { type ReactNode, useEffect, useState } from "react";
import type { Conversation } from "../../chats/schema";
import { useStores, useValue } from "../context";
import { isComposing } from "../keys";
import controls from "../styles/controls.module.css";
import { linkTo } from "../use_route";
import { ConversationItem } from "./ConversationItem";
import { Icon } from "./Icon";
import { Mark } from "./Mark";
import classes from "./Sidebar.module.css";

interface Props {
  readonly current: string | null;
  readonly open: boolean; // matters on narrow screens only, where the list is a drawer
  readonly onClose: () => void;
  readonly onDelete: (id: string) => void;
  readonly children: ReactNode; // buttons at its foot
}

export function Sidebar({ current, open, onClose, onDelete, children }: Props) {
  const { chats } = useStores();
  const conversations = useValue(chats.conversations);
  const problem = useValue(chats.problem);
  const [words, setWords] = useState("");
  const found = useSearch(words, conversations);
  const shown = found ?? conversations;
  return (
    <nav className={open ? classes.open : classes.sidebar} aria-label="Conversations">
      <div className={classes.head}>
        <Mark size={26} />
        <span className={classes.name}>Gyre</span>
        <button type="button" className={`${controls.icon} ${classes.close}`} aria-label="Close the list" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <a className={classes.fresh} href={linkTo(null)} onClick={onClose}>
        <Icon name="plus" /> New chat
      </a>
      {(conversations?.length ?? 0) > 0 && (
        <label className={classes.search}>
          <Icon name="search" />
          <input
            type="search"
            aria-label="Search conversations"
            placeholder="Search"
            value={words}
            onChange={(event) => setWords(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape" || isComposing(event.nativeEvent) || words === "") return;
              event.preventDefault(); // It empties the field, and leaves the drawer open.
              setWords("");
            }}
          />
        </label>
      )}
      {problem !== null && (
        <p className={classes.problem} role="alert">
          {problem.message} New messages last only until you close this tab.
        </p>
      )}
      <ul className={classes.list}>
        {shown?.map((conversation) => (
          <ConversationItem
            key={conversation.id}
            conversation={conversation}
            current={conversation.id === current}
            onOpen={onClose}
            onDelete={() => onDelete(conversation.id)}
          />
        ))}
        {found?.length === 0 && <li className={classes.none}>No conversation has these words.</li>}
      </ul>
      <div className={classes.foot}>{children}</div>
    </nav>
  );
}

/** The conversations that hold the words; null where none are asked for. */
function useSearch(words: string, conversations: readonly Conversation[] | null): readonly Conversation[] | null {
  const { chats } = useStores();
  const [found, setFound] = useState<readonly Conversation[] | null>(null);
  useEffect(() => {
    if (words.trim() === "") {
      setFound(null);
      return;
    }
    let wanted = true;
    void chats.search(words).then((result) => {
      if (wanted) setFound(result);
    });
    return () => {
      wanted = false;
    };
  }, [words, conversations, chats]);
  return found;
}
