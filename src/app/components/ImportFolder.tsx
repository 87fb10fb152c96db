import { useCallback, useRef, useState } from "react";
import type { PickedFile, Precision } from "../../protocol/messages";
import { useStores, useValue } from "../context";
import { formatProgress, percent } from "../format";
import controls from "../styles/controls.module.css";
import fields from "./Fields.module.css";
import { Icon } from "./Icon";
import classes from "./ModelsDialog.module.css";

const NEEDED = /\.(json|safetensors|jinja|ngram|md|txt)$/i; // A model's files; pictures and other formats of the same weights stay behind.

const PRECISIONS: readonly { readonly value: Precision; readonly label: string }[] = [
  { value: "w8a8", label: "INT8 (smaller and faster)" },
  { value: "w4a8", label: "INT4 (half of that, less exact)" },
  { value: "full", label: "Full precision" },
];

/** Takes a folder in Hugging Face layout, or a Gyre package, from the user's disk into this browser's storage. */
export function ImportFolder() {
  const { engine, notices } = useStores();
  const importing = useValue(engine.importing);
  const state = useValue(engine.state);
  const [precision, setPrecision] = useState<Precision>("w8a8");
  const error = useValue(engine.importProblem);
  const picker = useRef<HTMLInputElement>(null);

  const attach = useCallback((element: HTMLInputElement | null) => {
    picker.current = element;
    if (element !== null) element.webkitdirectory = true; // React does not know the attribute.
  }, []);

  const open = async (picked: readonly File[]) => {
    const name = picked[0]?.webkitRelativePath.split("/")[0] || "Model";
    const files: PickedFile[] = picked
      .filter((file) => NEEDED.test(file.name))
      .map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    const entry = await engine.import(name, files, precision);
    if (entry === null) return;
    notices.show(`${entry.name} is on this device now, for use offline too.`);
    void engine.load(entry.id);
  };

  if (importing !== null) {
    const share = percent(importing.progress);
    return (
      <>
        <p className={classes.note}>
          {importing.name}: {formatProgress(importing.progress)}
        </p>
        <progress className={controls.bar} max={100} {...(share === null ? {} : { value: share })} aria-label="Import" />
        <div className={fields.row}>
          <button type="button" className={controls.button} onClick={() => engine.cancelImport()}>
            Cancel
          </button>
        </div>
      </>
    );
  }
  return (
    <>
      <p className={classes.note}>
        Download a model of the lfm2, llama or qwen3 family from Hugging Face as a folder (config.json, tokenizer.json and the safetensors
        files), then open it here. It is copied into this browser and never uploaded.
      </p>
      <fieldset className={`${fields.choice} ${fields.space}`}>
        <legend>Keep it in</legend>
        {PRECISIONS.map(({ value, label }) => (
          <label key={value}>
            <input type="radio" name="precision" checked={precision === value} onChange={() => setPrecision(value)} />
            {label}
          </label>
        ))}
      </fieldset>
      <div className={fields.row}>
        <button
          type="button"
          className={controls.button}
          disabled={state.kind === "failed" || state.kind === "starting"}
          onClick={() => picker.current?.click()}
        >
          <Icon name="folder" /> Open a model folder
        </button>
      </div>
      <input
        ref={attach}
        type="file"
        hidden
        multiple
        aria-label="Model folder"
        onChange={(event) => {
          const picked = [...(event.target.files ?? [])];
          event.target.value = "";
          if (picked.length > 0) void open(picked);
        }}
      />
      {error !== null && (
        <div className={classes.problem} role="alert">
          {error.message}
          {error.detail !== "" && <pre>{error.detail}</pre>}
        </div>
      )}
    </>
  );
}
