import { useEffect, useState } from "react";
import type { PersonalTable } from "../../protocol/messages";
import { useStores, useValue } from "../context";
import { formatBytes } from "../format";
import { SPECULATION_PAGE } from "../use_route";
import { ConfirmButton } from "./ConfirmButton";
import { Section } from "./Dialog";
import classes from "./Fields.module.css";

const ENTRIES = 50; // that are shown

/** Whether words are guessed ahead, and what this device has learnt for that. */
export function SpeculationSettings({ onClose }: { readonly onClose: () => void }) {
  const { chats } = useStores();
  const { speculation, personal, showOrigins } = useValue(chats.settings);
  return (
    <Section title="Speculation">
      <p className={classes.hint}>
        Gyre guesses ahead and lets the model check several words at once. Replies come sooner and stay the same.{" "}
        <a href={SPECULATION_PAGE} onClick={onClose}>
          How that works
        </a>
      </p>
      <Switch
        label="Guess ahead"
        checked={speculation === "auto"}
        onChange={(on) => void chats.saveSettings({ speculation: on ? "auto" : "off" })}
      />
      <Switch label="Learn from replies on this device" checked={personal} onChange={(on) => void chats.saveSettings({ personal: on })} />
      <Switch label="Show where words came from" checked={showOrigins} onChange={(on) => void chats.saveSettings({ showOrigins: on })} />
      <Learnt />
    </Section>
  );
}

function Switch({
  label,
  checked,
  onChange,
}: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (on: boolean) => void;
}) {
  return (
    <label className={classes.switch}>
      <input type="checkbox" role="switch" checked={checked} aria-checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

/** The personal table, to look at and to erase. */
function Learnt() {
  const { engine, notices } = useStores();
  const state = useValue(engine.state);
  const [table, setTable] = useState<PersonalTable | null>(null);
  const ready = state.kind === "ready";
  useEffect(() => {
    if (!ready) return;
    engine.learnt(ENTRIES).then(setTable, notices.failed);
  }, [ready, engine, notices]);
  if (table === null) return <p className={classes.hint}>What was learnt can be seen here once a model is loaded.</p>;
  if (table.bytes === 0) return <p className={classes.hint}>Nothing is learnt from this model’s replies yet.</p>;
  const erase = async () => {
    try {
      await engine.forget();
      setTable(await engine.learnt(ENTRIES));
    } catch (thrown) {
      notices.failed(thrown);
    }
  };
  return (
    <>
      <details className={classes.learnt}>
        <summary>
          Learnt: what follows {table.contexts.toLocaleString("en")} pieces of text ({formatBytes(table.bytes)})
        </summary>
        <table>
          {table.entries.length === ENTRIES && <caption>The {ENTRIES} seen most often:</caption>}
          <thead>
            <tr>
              <th scope="col">After</th>
              <th scope="col">came</th>
              <th scope="col">times</th>
            </tr>
          </thead>
          <tbody>
            {table.entries.map(({ context, next, count }, index) => (
              <tr key={index}>
                <td>{visible(context)}</td>
                <td>{visible(next)}</td>
                <td>{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
      <div className={classes.row}>
        <ConfirmButton label="Erase what was learnt" question="Really erase it? This cannot be undone" onConfirm={() => void erase()} />
      </div>
    </>
  );
}

/** Line breaks as signs, since a token may be nothing else. */
function visible(text: string): string {
  return text.replaceAll("\n", "↵");
}
