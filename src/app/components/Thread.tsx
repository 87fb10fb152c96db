// The messages of one conversation, kept at their end while a reply grows.
import { useEffect, useRef } from "react";
import type { Message } from "../../chats/schema";
import { useStores, useValue } from "../context";
import { useStickToBottom } from "../use_stick_to_bottom";
import { Icon } from "./Icon";
import { ReplyView } from "./ReplyView";
import classes from "./Thread.module.css";
import { UserMessageView } from "./UserMessageView";

export function Thread({ conversation }: { readonly conversation: string }) {
  const { chats, replies } = useStores();
  const messages = useValue(chats.messages(conversation));
  const jobs = useValue(replies.jobs);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd } = useStickToBottom(scroller, content);
  const count = messages?.length ?? 0;
  useEffect(() => {
    if (count > 0) toEnd(); // Whoever has just sent something wants to see it.
  }, [count, toEnd]);
  const busy = jobs.some((job) => job.conversation === conversation);
  const lastQuestion = messages?.findLastIndex((message) => message.role === "user") ?? -1;
  const view = (message: Message, index: number) =>
    message.role === "user" ? (
      <UserMessageView key={message.id} message={message} editable={index === lastQuestion && !busy} />
    ) : (
      <ReplyView
        key={message.id}
        message={message}
        phase={jobs.find((job) => job.message === message.id)?.phase ?? null}
        last={index === count - 1 && !busy}
      />
    );
  return (
    <div className={classes.frame}>
      {/* Scrolls, so the keyboard must be able to reach it. */}
      <div className={classes.scroller} ref={scroller} tabIndex={0} role="region" aria-label="Conversation">
        <div className={classes.column} ref={content}>
          {messages?.map(view)}
        </div>
      </div>
      {away && (
        <button type="button" className={classes.toEnd} aria-label="Go to the newest message" onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
