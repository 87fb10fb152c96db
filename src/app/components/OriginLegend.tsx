// Which mark stands for whom, of those who proposed a part of the reply.
import { ORIGINS } from "../../chats/origins";
import type { OriginRun } from "../../chats/schema";
import { ORIGIN_NAMES } from "../origins";
import classes from "./origins.module.css";

export function OriginLegend({ origins }: { readonly origins: readonly OriginRun[] }) {
  const used = ORIGINS.filter((origin) => origins.some(([name]) => name === origin));
  return (
    <ul className={classes.legend} aria-label="Where words came from">
      {used.map((origin) => (
        <li key={origin}>
          <span className={classes[origin]}>{ORIGIN_NAMES[origin]}</span>
        </li>
      ))}
    </ul>
  );
}
