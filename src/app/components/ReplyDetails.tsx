// What is known of how a reply was made: one line, and the rest when it is asked for.
import { DRAFTERS } from "../../chats/origins";
import type { AssistantMessage } from "../../chats/schema";
import type { SpeculationStats } from "../../protocol/messages";
import { useStores, useValue } from "../context";
import { formatMs, formatShare } from "../format";
import { ORIGIN_NAMES } from "../origins";
import { SPECULATION_PAGE } from "../use_route";
import classes from "./ReplyDetails.module.css";

interface Props {
  readonly message: AssistantMessage;
  readonly line: string;
}

export function ReplyDetails({ message: { stats, seed, model, origins }, line }: Props) {
  const { chats } = useStores();
  const { showOrigins } = useValue(chats.settings);
  if (stats === null) return null;
  return (
    <details className={classes.details}>
      <summary>{line}</summary>
      <dl>
        <Fact name="Model">{model}</Fact>
        <Fact name="Seed">{seed}</Fact>
        <Fact name="Prompt">
          {stats.promptTokens} tokens, of which {stats.cachedTokens} were still in memory
        </Fact>
        <Fact name="Passes">
          {stats.newTokens} tokens in {stats.passes} passes over the model
        </Fact>
        {stats.speculation === null ? (
          <Fact name="Drafts">none: off, or checking them would not have paid, or would have held up the screen</Fact>
        ) : (
          <Speculation stats={stats.speculation} />
        )}
      </dl>
      {origins !== undefined && (
        <label className={classes.switch}>
          <input
            type="checkbox"
            role="switch"
            checked={showOrigins}
            aria-checked={showOrigins}
            onChange={(event) => void chats.saveSettings({ showOrigins: event.target.checked })}
          />
          Show where words came from
        </label>
      )}
      <a href={SPECULATION_PAGE}>How speculation works</a>
    </details>
  );
}

function Speculation({ stats }: { readonly stats: SpeculationStats }) {
  return (
    <>
      <Fact name="Drafts">
        {stats.accepted} of {stats.proposed} accepted
      </Fact>
      {DRAFTERS.map((name) => {
        const counts = stats.byDrafter[name];
        return (
          counts !== undefined && (
            <Fact key={name} name={`– ${ORIGIN_NAMES[name]}`}>
              {counts.accepted} of {counts.proposed} ({formatShare(counts.accepted, counts.proposed)})
            </Fact>
          )
        );
      })}
      <Fact name="Time">
        {formatMs(stats.draftMs)} to draft, {formatMs(stats.verifyMs)} to check
      </Fact>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
