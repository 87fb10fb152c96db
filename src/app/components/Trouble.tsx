// Why the engine does not run, and what to do about it. It stands above the composer and leaves the conversations readable.
import { browserHints } from "../browser_hints";
import { useStores, useValue } from "../context";
import controls from "../styles/controls.module.css";
import classes from "./Trouble.module.css";

export function Trouble({ onModels }: { readonly onModels: () => void }) {
  const { engine } = useStores();
  const state = useValue(engine.state);
  if (state.kind !== "failed") return null;
  const { code, message, detail } = state.error;
  const unsupported = code === "no-webgpu" || code === "no-adapter";
  const lost = code === "device-lost" || code === "out-of-memory" || code === "internal";
  return (
    <section className={classes.trouble} role="alert" aria-label="The engine is not running">
      <h2>{message}</h2>
      {unsupported && (
        <ul>
          {browserHints(code, { userAgent: navigator.userAgent, secure: isSecureContext }).map((hint) => (
            <li key={hint}>{hint}</li>
          ))}
        </ul>
      )}
      {code === "device-lost" && (
        <p>The conversation so far is kept. This can happen after sleep, a driver update, or when memory runs out.</p>
      )}
      {detail !== "" && (
        <details>
          <summary>Details</summary>
          <pre>{detail}</pre>
        </details>
      )}
      <div className={classes.buttons}>
        {code !== "no-webgpu" && (
          <button type="button" className={controls.primary} onClick={() => void engine.restart()}>
            {lost ? "Restart the engine" : "Try again"}
          </button>
        )}
        {!unsupported && (
          <button type="button" className={controls.button} onClick={onModels}>
            Models
          </button>
        )}
      </div>
    </section>
  );
}
