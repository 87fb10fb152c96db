// A reply as it was drawn, each piece marked with who proposed it. Without Markdown, whose formatting has no place for pieces that cross it.
import { ORIGINS } from "../../chats/origins";
import type { OriginRun } from "../../chats/schema";
import { ORIGIN_NAMES } from "../origins";
import classes from "./OriginText.module.css";

interface Props {
  readonly text: string;
  readonly origins: readonly OriginRun[];
}

export function OriginText({ text, origins }: Props) {
  const used = ORIGINS.filter((origin) => origins.some(([name]) => name === origin));
  let end = 0;
  const pieces = origins.map(([origin, length], index) => {
    const piece = text.slice(end, (end += length));
    return (
      <span key={index} className={classes[origin]} title={`Proposed by: ${ORIGIN_NAMES[origin]}`}>
        {piece}
      </span>
    );
  });
  return (
    <>
      <p className={classes.text}>{pieces}</p>
      <ul className={classes.legend} aria-label="Where words came from">
        {used.map((origin) => (
          <li key={origin}>
            <span className={classes[origin]}>{ORIGIN_NAMES[origin]}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
