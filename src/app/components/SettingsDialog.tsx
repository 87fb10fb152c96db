import { type ReactNode, useId, useState } from "react";
import type { Settings, Theme } from "../../chats/schema";
import { useStores, useValue } from "../context";
import controls from "../styles/controls.module.css";
import { Dialog, Section } from "./Dialog";
import classes from "./Fields.module.css";
import { NumberField } from "./NumberField";
import { SpeculationSettings } from "./SpeculationSettings";
import { YourData } from "./YourData";

type SamplingName = keyof Settings["sampling"];

interface SamplingField {
  readonly name: SamplingName;
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const SAMPLING: readonly SamplingField[] = [
  { name: "temperature", label: "Temperature", hint: "0 always takes the likeliest word; higher is livelier.", min: 0, max: 5, step: 0.1 },
  { name: "topK", label: "Top-k", hint: "Draw from this many likeliest words; 0 is off.", min: 0, max: 1000, step: 1 },
  { name: "topP", label: "Top-p", hint: "Draw from the likeliest words that add up to this; 1 is off.", min: 0, max: 1, step: 0.05 },
  { name: "minP", label: "Min-p", hint: "Drop words less likely than this share of the best; 0 is off.", min: 0, max: 1, step: 0.01 },
  {
    name: "repetitionPenalty",
    label: "Repetition penalty",
    hint: "Above 1 avoids words that were used; 1 is off.",
    min: 0.1,
    max: 5,
    step: 0.05,
  },
];

const THEMES: readonly { readonly value: Theme; readonly label: string }[] = [
  { value: "auto", label: "As the system" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

const LARGEST_SEED = 2n ** 64n - 1n;

export function SettingsDialog({ onClose }: { readonly onClose: () => void }) {
  const { chats, engine } = useStores();
  const settings = useValue(chats.settings);
  const state = useValue(engine.state);
  const save = (change: Partial<Settings>) => void chats.saveSettings(change);
  const fallback = (name: SamplingName) => (state.kind === "ready" ? String(state.model.defaults[name]) : "the model's own");
  return (
    <Dialog title="Settings" onClose={onClose}>
      <Section title="Replies">
        <TextField label="System prompt" hint="Said to the model before every conversation. The demo model was not trained to follow one.">
          {(id) => (
            <textarea
              id={id}
              className={controls.field}
              defaultValue={settings.systemPrompt}
              onChange={(event) => save({ systemPrompt: event.target.value })}
            />
          )}
        </TextField>
        <div className={`${classes.grid} ${classes.space}`}>
          {SAMPLING.map(({ name, ...field }) => (
            <NumberField
              key={name}
              {...field}
              value={settings.sampling[name]}
              fallback={fallback(name)}
              onChange={(value) => save({ sampling: { ...settings.sampling, [name]: value } })}
            />
          ))}
          <NumberField
            label="Longest reply"
            hint="In tokens: parts of words, about four letters each."
            value={settings.maxTokens}
            fallback="512"
            min={1}
            max={32768}
            step={1}
            onChange={(value) => save({ maxTokens: value ?? 512 })}
          />
          <SeedField value={settings.seed} onChange={(seed) => save({ seed })} />
        </div>
      </Section>
      <SpeculationSettings onClose={onClose} />
      <Section title="Appearance">
        <fieldset className={classes.choice}>
          <legend>Colours</legend>
          {THEMES.map(({ value, label }) => (
            <label key={value}>
              <input type="radio" name="theme" checked={settings.theme === value} onChange={() => save({ theme: value })} />
              {label}
            </label>
          ))}
        </fieldset>
      </Section>
      <YourData onDeleted={onClose} />
    </Dialog>
  );
}

function TextField({
  label,
  hint,
  children,
}: {
  readonly label: string;
  readonly hint: string;
  readonly children: (id: string) => ReactNode;
}) {
  const id = useId();
  return (
    <div className={classes.field}>
      <label htmlFor={id}>{label}</label>
      {children(id)}
      <p className={classes.hint}>{hint}</p>
    </div>
  );
}

/** Seeds have 64 bits, more than a number of JavaScript's holds, so they stay text. */
function SeedField({ value, onChange }: { readonly value: string; readonly onChange: (seed: string) => void }) {
  const [text, setText] = useState(value);
  const sound = isSeed(text);
  return (
    <TextField
      label="Seed"
      hint={
        sound
          ? "The same seed and settings give the same reply. Empty: a new one for each reply."
          : "A whole number below 2^64, or nothing."
      }
    >
      {(id) => (
        <input
          id={id}
          className={controls.field}
          inputMode="numeric"
          placeholder="random"
          value={text}
          aria-invalid={!sound}
          onChange={(event) => {
            setText(event.target.value);
            if (isSeed(event.target.value)) onChange(event.target.value.trim());
          }}
        />
      )}
    </TextField>
  );
}

function isSeed(text: string): boolean {
  return text.trim() === "" || (/^\d{1,20}$/.test(text.trim()) && BigInt(text.trim()) <= LARGEST_SEED);
}
