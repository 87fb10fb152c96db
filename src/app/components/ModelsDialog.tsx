import { useState } from "react";
import type { LoadedModel, ModelEntry } from "../../protocol/messages";
import { useStores, useValue } from "../context";
import { formatBytes, formatModel, formatMs } from "../format";
import controls from "../styles/controls.module.css";
import { ConfirmButton } from "./ConfirmButton";
import { Dialog, Section } from "./Dialog";
import { ImportFolder } from "./ImportFolder";
import classes from "./ModelsDialog.module.css";

export function ModelsDialog({ onClose }: { readonly onClose: () => void }) {
  const { engine } = useStores();
  const models = useValue(engine.models);
  const state = useValue(engine.state);
  const loaded = state.kind === "ready" ? state.model : null;
  return (
    <Dialog title="Models" onClose={onClose}>
      <Section title="On this device">
        {models.length === 0 && <p className={classes.note}>The engine is not running, so its models cannot be listed.</p>}
        <ul className={classes.list}>
          {models.map((entry) => (
            <ModelItem key={entry.id} entry={entry} loaded={loaded?.entry.id === entry.id ? loaded : null} />
          ))}
        </ul>
      </Section>
      <Section title="Open a model folder">
        <ImportFolder />
      </Section>
    </Dialog>
  );
}

function ModelItem({ entry, loaded }: { readonly entry: ModelEntry; readonly loaded: LoadedModel | null }) {
  const { engine } = useStores();
  const state = useValue(engine.state);
  const [problem, setProblem] = useState("");
  const loading = state.kind === "loading" && state.entry.id === entry.id;
  const status = loaded !== null ? "Loaded" : loading ? "Loading" : entry.stored ? "On this device" : "Comes with the app";
  const remove = () => {
    engine.remove(entry.id).catch((thrown: unknown) => setProblem(thrown instanceof Error ? thrown.message : String(thrown)));
  };
  return (
    <li className={classes.model}>
      <div className={classes.head}>
        <strong>{entry.name}</strong>
        <span className={loaded !== null ? classes.loaded : classes.note}>{status}</span>
      </div>
      <p className={classes.note}>
        {formatModel(entry)}
        {entry.shipped && " · a small demo"}
      </p>
      {loaded !== null && <Figures model={loaded} />}
      <div className={classes.buttons}>
        {loaded === null && !loading && (
          <button type="button" className={controls.button} aria-label={`Load ${entry.name}`} onClick={() => void engine.load(entry.id)}>
            Load
          </button>
        )}
        {entry.stored && !loading && !(entry.shipped && loaded !== null) && (
          <ConfirmButton label="Remove" question="Remove it from this device?" onConfirm={remove} />
        )}
      </div>
      {problem !== "" && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}

/** What the loaded model takes, as measured by the engine. */
function Figures({ model }: { readonly model: LoadedModel }) {
  const rows = [
    ["Loaded in", formatMs(model.loadMs)],
    ["Context", `${model.contextLength.toLocaleString("en")} tokens`],
    ["Weights on the GPU", formatBytes(model.weightBytes)],
    ["Cache on the GPU", formatBytes(model.cacheBytes)],
    ["Working memory", formatBytes(model.scratchBytes)],
    ["GPU", model.adapter === "" ? "not told by the browser" : model.adapter],
    ...(model.exact ? [] : [["Speculation", "Off: this GPU rounds a token differently beside others"] as const]),
  ] as const;
  return (
    <dl className={classes.figures}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
