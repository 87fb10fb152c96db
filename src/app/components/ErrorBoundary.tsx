// What is left when the page itself fails: never a blank screen, and the conversations are safe in IndexedDB.
import { Component, type ReactNode } from "react";
import controls from "../styles/controls.module.css";
import classes from "./ErrorBoundary.module.css";

interface Props {
  readonly children: ReactNode;
}

interface State {
  readonly error: Error | null;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(thrown: unknown): State {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <main className={classes.page} role="alert">
        <h1>Gyre stumbled</h1>
        <p>Something on this page went wrong. Your conversations are kept on this device and are not touched by this.</p>
        <button type="button" className={controls.primary} onClick={() => location.reload()}>
          Reload the page
        </button>
        <details>
          <summary>What happened</summary>
          <pre>{error.stack ?? error.message}</pre>
        </details>
      </main>
    );
  }
}
