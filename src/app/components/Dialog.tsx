// A native modal dialog: the browser keeps the focus inside, closes it with Esc and puts the focus back afterwards.
import { type ReactNode, useEffect, useId, useRef } from "react";
import controls from "../styles/controls.module.css";
import classes from "./Dialog.module.css";
import { Icon } from "./Icon";

interface Props {
  readonly title: string;
  readonly onClose: () => void; // after it has closed
  readonly children: ReactNode;
}

export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (!element.open) element.showModal();
    const onClick = (event: MouseEvent) => {
      if (event.target === element) element.close(); // the backdrop, as the content fills the dialog
    };
    element.addEventListener("click", onClick);
    return () => element.removeEventListener("click", onClick);
  }, []);
  return (
    <dialog ref={dialog} className={classes.dialog} aria-labelledby={id} onClose={onClose}>
      <div className={classes.frame}>
        <header className={classes.head}>
          <h2 id={id}>{title}</h2>
          <button type="button" className={controls.icon} aria-label="Close" onClick={() => dialog.current?.close()}>
            <Icon name="close" />
          </button>
        </header>
        <div className={classes.content}>{children}</div>
      </div>
    </dialog>
  );
}

/** A part of a dialog under a heading of its own. */
export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
