import { useId, useMemo, useState } from "react";
import { agreement, independentAgreement, noiseRows, sharedAgreement } from "./coupling";
import classes from "./Explanation.module.css";

const DRAWS = 5000;
const NUMBERS = Array.from({ length: 10 }, (_, index) => index + 1);

const favouring = (percent: number) => NUMBERS.map((number) => (number === 7 ? percent / 100 : (1 - percent / 100) / 9));
const share = (part: number) => `${(100 * part).toFixed(1)} %`;

/** Two distributions that the reader shapes, and how often draws from them agree: measured, and by the closed form. */
export function Favourites() {
  const [model, setModel] = useState(40);
  const [speculator, setSpeculator] = useState(55);
  const [ofModel, ofAnother] = useMemo(() => [noiseRows(2026n, DRAWS, 10), noiseRows(2027n, DRAWS, 10)] as const, []);
  const [p, q] = [favouring(model), favouring(speculator)];
  return (
    <div className={classes.trial}>
      <Slider label="The model says 7" value={model} onChange={setModel} />
      <Slider label="The speculator expects 7" value={speculator} onChange={setSpeculator} />
      <div className={classes.bars} aria-hidden="true">
        {NUMBERS.map((number, index) => (
          <div key={number}>
            <svg viewBox="0 0 20 100" preserveAspectRatio="none">
              <rect className={classes.ofModel} x="1" width="8" y={100 - 100 * (p[index] ?? 0)} height={100 * (p[index] ?? 0)} />
              <rect className={classes.ofSpeculator} x="11" width="8" y={100 - 100 * (q[index] ?? 0)} height={100 * (q[index] ?? 0)} />
            </svg>
            {number}
          </div>
        ))}
      </div>
      <p className={classes.key} aria-hidden="true">
        <span className={classes.keyModel} /> Model <span className={classes.keySpeculator} /> Speculator
      </p>
      <div className={classes.wide}>
        <table className={classes.results}>
          <thead>
            <tr>
              <th scope="col">How often they agree</th>
              <th scope="col">in {DRAWS.toLocaleString("en")} draws</th>
              <th scope="col">in theory</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Dice of their own</th>
              <td>{share(agreement(p, q, ofModel, ofAnother))}</td>
              <td>{share(independentAgreement(p, q))}</td>
            </tr>
            <tr>
              <th scope="row">The same dice</th>
              <td>{share(agreement(p, q, ofModel, ofModel))}</td>
              <td>{share(sharedAgreement(p, q))}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <p className={classes.formula}>
        The theory for the same dice: add up, over every number <i>i</i>, one divided by the sum over every <i>j</i> of the larger of p
        <sub>j</sub>/p<sub>i</sub> and q<sub>j</sub>/q<sub>i</sub>, where p is what the model thinks and q what the speculator thinks.
      </p>
    </div>
  );
}

function Slider({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  const id = useId();
  return (
    <div className={classes.slider}>
      <label htmlFor={id}>{label}</label>
      <span aria-hidden="true">{value} %</span>
      <input
        id={id}
        type="range"
        min={1}
        max={99}
        value={value}
        aria-valuetext={`${value} %`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
    </div>
  );
}
