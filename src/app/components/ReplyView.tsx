// A reply: while it is made its text comes from the reply store, afterwards from the conversation, in the same element throughout.
import { memo, useEffect } from "react";
import { Value } from "../../chats/observable";
import type { AssistantMessage } from "../../chats/schema";
import { useStores, useValue } from "../context";
import { formatEnd, formatFigures } from "../format";
import { replyParts } from "../later";
import { NOTHING, type Phase } from "../stores/replies";
import controls from "../styles/controls.module.css";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";
import { Mark } from "./Mark";
import classes from "./Message.module.css";

interface Props {
  readonly message: AssistantMessage;
  readonly phase: Phase | null; // null: nobody is working at it
  readonly last: boolean;
}

const NOTHING_YET = new Value(NOTHING);

const WAITING: Readonly<Record<Phase, string>> = {
  model: "Waiting for the model",
  turn: "Waiting for another reply to finish",
  reading: "Reading",
  writing: "Writing",
};

export const ReplyView = memo(({ message, phase, last }: Props) => {
  const { chats, replies, notices } = useStores();
  const streamed = useValue(phase === "writing" ? replies.written : NOTHING_YET);
  const parts = useValue(replyParts.module);
  const { showOrigins } = useValue(chats.settings);
  const forgotten = message.stats?.forgottenMessages ?? 0;
  const { content: text, origins } = streamed.content.length > message.content.length ? streamed : message;
  const isEmpty = text === "";
  useEffect(() => {
    if (!isEmpty) replyParts.fetch(); // Where that fails, the text is shown as it is.
  }, [isEmpty]);
  return (
    <article className={classes.reply} aria-label="Assistant" aria-busy={phase !== null}>
      <Mark size={22} turning={phase !== null} />
      <div className={classes.body}>
        {forgotten > 0 && (
          <p className={classes.aside}>
            The {forgotten} earliest messages no longer fit in this model's memory, so it answered without them.
          </p>
        )}
        {isEmpty && phase !== null ? (
          <p className={classes.waiting}>{WAITING[phase]}…</p>
        ) : parts === null ? (
          <p className={classes.plain}>{text}</p>
        ) : showOrigins && origins !== undefined ? (
          <>
            <parts.Markdown text={text} origins={origins} />
            <parts.OriginLegend origins={origins} />
          </>
        ) : (
          <parts.Markdown text={text} />
        )}
        {phase === null && <Outcome message={message} />}
        {phase === null && (
          <div className={classes.actions}>
            {!isEmpty && <CopyButton text={text} label="Copy reply" />}
            {last && (
              <button
                type="button"
                className={controls.icon}
                aria-label="Regenerate"
                title="Write this reply anew"
                onClick={() => void replies.regenerate(message).catch(notices.failed)}
              >
                <Icon name="again" />
              </button>
            )}
            <Figures message={message} />
          </div>
        )}
      </div>
    </article>
  );
});

function Outcome({ message: { end, error } }: { readonly message: AssistantMessage }) {
  if (error !== null)
    return (
      <div className={classes.error}>
        {error.message}
        {error.detail !== "" && (
          <details>
            <summary>Details</summary>
            <pre>{error.detail}</pre>
          </details>
        )}
      </div>
    );
  const note = end === null ? "This reply was not finished." : formatEnd(end);
  return note === "" ? null : <p className={classes.aside}>{note}</p>;
}

/** How the reply was made, in one line; that line opens to more. */
function Figures({ message }: { readonly message: AssistantMessage }) {
  const parts = useValue(replyParts.module);
  if (message.stats === null || message.stats.newTokens === 0) return null;
  const line = formatFigures(message.stats);
  return parts === null ? <p className={classes.figures}>{line}</p> : <parts.ReplyDetails message={message} line={line} />;
}
