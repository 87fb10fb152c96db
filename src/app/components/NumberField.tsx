import { useId, useState } from "react";
import controls from "../styles/controls.module.css";
import classes from "./Fields.module.css";

interface Props {
  readonly label: string;
  readonly hint: string;
  readonly value: number | null; // null: the default
  readonly fallback: string; // what the default is, shown in the empty field
  readonly min: number;
  readonly max: number;
  readonly step: number; // 1 for whole numbers; otherwise only what the arrow keys add
  readonly onChange: (value: number | null) => void;
}

/** A number that may be left to its default by leaving the field empty. What is out of range is marked and not taken. */
export function NumberField({ label, hint, value, fallback, min, max, step, onChange }: Props) {
  const id = useId();
  const [text, setText] = useState(value === null ? "" : String(value));
  const problem = check(text, min, max, step === 1);
  return (
    <div className={classes.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className={controls.field}
        inputMode={step === 1 ? "numeric" : "decimal"}
        placeholder={fallback}
        value={text}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-hint`}
        onChange={(event) => {
          const typed = event.target.value;
          setText(typed);
          if (check(typed, min, max, step === 1) === null) onChange(typed.trim() === "" ? null : toNumber(typed));
        }}
        onKeyDown={(event) => {
          const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
          if (direction === 0) return;
          event.preventDefault();
          const from = text.trim() === "" ? toNumber(fallback) : toNumber(text);
          const next = Math.min(max, Math.max(min, Number(((Number.isNaN(from) ? min : from) + direction * step).toFixed(6))));
          setText(String(next));
          onChange(next);
        }}
      />
      <p id={`${id}-hint`} className={problem === null ? classes.hint : classes.problem}>
        {problem ?? hint}
      </p>
    </div>
  );
}

/** Half of Europe types a comma. */
const toNumber = (text: string) => Number(text.trim().replace(",", "."));

function check(text: string, min: number, max: number, whole: boolean): string | null {
  if (text.trim() === "") return null;
  const number = toNumber(text);
  if (Number.isFinite(number) && number >= min && number <= max && (!whole || Number.isInteger(number))) return null;
  return `Between ${min} and ${max}${whole ? ", a whole number" : ""}.`;
}
