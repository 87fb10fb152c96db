import { useState } from "react";
import { formatShare } from "../format";
import controls from "../styles/controls.module.css";
import { draw, noiseRows } from "./coupling";
import classes from "./Explanation.module.css";

const MANY = 1000; // draws
const SHOWN = 12; // of the newest

const EVEN = Array.from({ length: 10 }, () => 0.1);

interface Round {
  readonly model: number;
  readonly alone: number; // the speculator's, with dice of its own
  readonly together: number; // the speculator's, with the model's dice
}

/** The rounds at the positions from `from` on. The next seed's noise serves as the speculator's own dice. */
function play(seed: bigint, from: number, count: number): Round[] {
  const others = noiseRows(seed + 1n, count, EVEN.length, from);
  return noiseRows(seed, count, EVEN.length, from).map((row, index) => ({
    model: draw(EVEN, row) + 1,
    alone: draw(EVEN, others[index] ?? []) + 1,
    together: draw(EVEN, row) + 1,
  }));
}

/** "A number from 1 to 10" by model and speculator, with dice of their own and with the same. */
export function PickANumber() {
  const [seed, setSeed] = useState(1n);
  const [rounds, setRounds] = useState<readonly Round[]>([]);
  const more = (count: number) => setRounds([...rounds, ...play(seed, rounds.length, count)]);
  const start = () => {
    setSeed(seed + 2n);
    setRounds([]);
  };
  return (
    <div className={classes.trial}>
      <div className={classes.buttons}>
        <button type="button" className={controls.primary} onClick={() => more(1)}>
          Draw a number
        </button>
        <button type="button" className={controls.button} onClick={() => more(MANY)} disabled={rounds.length > 20 * MANY}>
          Draw 1,000
        </button>
        <button type="button" className={controls.button} onClick={start} disabled={rounds.length === 0}>
          Start again
        </button>
      </div>
      <Way title="Dice of their own" rounds={rounds.map(({ model, alone }) => [model, alone])} />
      <Way title="The same dice" rounds={rounds.map(({ model, together }) => [model, together])} />
    </div>
  );
}

function Way({ title, rounds }: { readonly title: string; readonly rounds: readonly (readonly [model: number, speculator: number])[] }) {
  const agreed = rounds.filter(([model, speculator]) => model === speculator).length;
  const newest = rounds.slice(-SHOWN);
  return (
    <section className={classes.way} aria-label={title}>
      <h3>{title}</h3>
      {newest.length > 0 && (
        <div className={classes.wide}>
          <table>
            <tbody>
              {(["Model", "Speculator"] as const).map((name, who) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {newest.map((pair, index) => (
                    <td key={rounds.length - newest.length + index} className={pair[0] === pair[1] ? classes.same : classes.different}>
                      {pair[who]}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p role="status">
        {rounds.length === 0
          ? "Nothing is drawn yet."
          : `The same number ${agreed.toLocaleString("en")} of ${rounds.length.toLocaleString("en")} times: ${formatShare(agreed, rounds.length)}`}
      </p>
    </section>
  );
}
