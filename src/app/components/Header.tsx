import { useStores, useValue } from "../context";
import { formatProgress, percent } from "../format";
import controls from "../styles/controls.module.css";
import classes from "./Header.module.css";
import { Icon } from "./Icon";

interface Props {
  readonly title: string;
  readonly onMenu: () => void;
  readonly onModels: () => void;
}

export function Header({ title, onMenu, onModels }: Props) {
  return (
    <header className={classes.header}>
      <button type="button" className={`${controls.icon} ${classes.menu}`} aria-label="Open the list of conversations" onClick={onMenu}>
        <Icon name="menu" />
      </button>
      <h1 className={classes.title}>{title}</h1>
      <ModelState onModels={onModels} />
    </header>
  );
}

/** The loaded model's name, or how far it is; leads to the models dialog. */
function ModelState({ onModels }: { readonly onModels: () => void }) {
  const { engine } = useStores();
  const state = useValue(engine.state);
  const importing = useValue(engine.importing);
  let name = "Gyre";
  let text = "Starting";
  let kind = classes.busy;
  let share: number | null = null;
  if (state.kind === "ready") {
    name = state.model.entry.name;
    text = "Ready";
    kind = classes.ready;
  } else if (state.kind === "failed") {
    name = "No model";
    text = "Not running";
    kind = classes.failed;
  } else if (state.kind === "loading") {
    name = state.entry.name;
    text = formatProgress(state.progress);
    share = percent(state.progress);
  }
  if (importing !== null) {
    name = importing.name;
    text = formatProgress(importing.progress);
    kind = classes.busy;
    share = percent(importing.progress);
  }
  return (
    <button type="button" className={classes.state} onClick={onModels} aria-label={`Model: ${name}. ${text}`} data-state={state.kind}>
      <span className={kind} />
      <span className={classes.model}>{name}</span>
      <span className={classes.text}>{text}</span>
      {share !== null && <progress className={`${controls.bar} ${classes.progress}`} value={share} max={100} aria-label={text} />}
    </button>
  );
}
