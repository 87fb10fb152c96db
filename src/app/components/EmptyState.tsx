import type { ReactNode } from "react";
import { useStores, useValue } from "../context";
import classes from "./EmptyState.module.css";
import { Mark } from "./Mark";

const SUGGESTIONS = ["What are you?", "Is this private?", "Tell me a story about a fox", "How do I get a better model?"];

interface Props {
  readonly onSend: (text: string) => void;
  readonly trouble: ReactNode; // stands in the suggestions' place where nothing can be sent
}

export function EmptyState({ onSend, trouble }: Props) {
  const { engine } = useStores();
  const state = useValue(engine.state);
  const shipped = state.kind !== "ready" || state.model.entry.shipped;
  return (
    <div className={classes.page}>
      <Mark size={72} />
      <h2 className={classes.title}>A chat that stays with you</h2>
      <p className={classes.text}>
        Gyre runs a language model on your own GPU, in this tab: nothing you type leaves this device, and it works offline.{" "}
        {shipped &&
          "The model that comes with it is a small demo, good for small talk and short stories; under Models you can open a larger one."}
      </p>
      {trouble ?? (
        <ul className={classes.chips} aria-label="Suggestions">
          {SUGGESTIONS.map((text) => (
            <li key={text}>
              <button type="button" onClick={() => onSend(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
