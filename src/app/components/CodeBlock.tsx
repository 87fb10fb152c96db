import type { ReactNode } from "react";
import classes from "./CodeBlock.module.css";
import { CopyButton } from "./CopyButton";

interface Props {
  readonly code: string; // to be copied
  readonly language: string;
  readonly children: ReactNode; // the code as it is shown
}

export function CodeBlock({ code, language, children }: Props) {
  return (
    <figure className={classes.block}>
      <figcaption className={classes.head}>
        <span>{language}</span>
        <CopyButton text={code} label="Copy code" />
      </figcaption>
      {/* Long lines scroll inside the block, so the keyboard must be able to reach it. */}
      <pre tabIndex={0}>
        <code>{children}</code>
      </pre>
    </figure>
  );
}
