import classes from "./CodeBlock.module.css";
import { CopyButton } from "./CopyButton";

export function CodeBlock({ code, language }: { readonly code: string; readonly language: string }) {
  return (
    <figure className={classes.block}>
      <figcaption className={classes.head}>
        <span>{language}</span>
        <CopyButton text={code} label="Copy code" />
      </figcaption>
      {/* Long lines scroll inside the block, so the keyboard must be able to reach it. */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
