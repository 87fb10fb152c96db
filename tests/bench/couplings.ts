// One draft at each place of recorded replies, by three ways to draw it and to accept it. `p` is what the model draws by, `q` what a drafter
// would: its candidates, or a smaller model's whole distribution, after the reply's own penalties, temperature and filters.
import { ContextDrafter } from "../../src/speculate/context_drafter";
import type { Drafter } from "../../src/speculate/drafter";
import { filteredDistribution, inPrompt, penalised } from "../../src/speculate/filters";
import { noise } from "../../src/speculate/gumbel";
import { SuffixDrafter } from "../../src/speculate/suffix";
import { gumbelAcceptance, independentAcceptance, rejectionAcceptance } from "../speculate/acceptance";
import type { Recording, Subject } from "./recording";

const CHAIN = 4; // drafts a pass
const SEEDS = 8; // each goes over all places

export const ways = ["independent draws", "rejection sampling", "shared noise"] as const;

export interface Coupling {
  readonly temperature: number;
  readonly drafter: string;
  readonly proposes: number; // at this share of the places
  readonly way: (typeof ways)[number];
  readonly exact: number; // acceptance where something was proposed, in closed form
  readonly measured: number;
  readonly tokensAPass: number; // of a chain of CHAIN drafts
}

/** Both distributions over the tokens that either may draw. */
interface Place {
  readonly position: number;
  readonly tokens: readonly number[];
  readonly p: readonly number[];
  readonly q: readonly number[];
}

/** Each drafter by itself, fresh for a reply. */
export function draftersOf({ tables: { ngrams } }: Pick<Subject, "tables">): readonly Drafter[] {
  return [new SuffixDrafter(), ...(ngrams ? [new ContextDrafter("ngram", ngrams)] : [])];
}

/** For each temperature and drafter the three ways; "together" asks at each place whoever is the surest. */
export function couplings(subject: Subject, recordings: readonly Recording[]): readonly Coupling[] {
  const temperatures = [...new Set(recordings.map(({ sampling }) => sampling.temperature))];
  return temperatures.flatMap((temperature) => {
    const replies = recordings
      .filter(({ sampling }) => sampling.temperature === temperature)
      .map((recording) => placesOf(subject, recording));
    const names = Object.keys(replies[0] ?? {});
    return names.flatMap((drafter) => {
      const places = replies.map((reply) => reply[drafter] ?? []);
      const proposed = places.flat().filter((place) => place !== null);
      const mean = (of: (place: Place) => number) => proposed.reduce((sum, place) => sum + of(place), 0) / proposed.length;
      const accepted = draw(places);
      const exact = [independentAcceptance, rejectionAcceptance, gumbelAcceptance];
      return ways.map((way, i): Coupling => {
        const flags = accepted.map((reply) => reply.map((each) => each?.[i] ?? null));
        const drawn = flags.flat().filter((flag) => flag !== null);
        return {
          temperature,
          drafter,
          proposes: proposed.length / places.flat().length,
          way,
          exact: mean(({ p, q }) => exact[i]!(p, q)),
          measured: drawn.filter(Boolean).length / drawn.length,
          tokensAPass: tokensAPass(flags),
        };
      });
    });
  });
}

/** The places of a reply, by drafter; null where it proposes nothing. */
function placesOf(
  { draft, tables }: Subject,
  { sampling, prompt, tokens, logits, draftLogits }: Recording,
): Record<string, (Place | null)[]> {
  const drafters = draftersOf({ tables });
  const counts = new Map(prompt.map((token) => [token, inPrompt]));
  const after = (logit: number, token: number) => penalised(logit, counts.get(token) ?? 0, sampling);
  const places: Record<string, (Place | null)[]> = {};
  const note = (name: string, place: Place | null) => (places[name] ??= []).push(place);
  for (const drafter of drafters) drafter.reset(prompt, sampling);
  for (const [i, row] of logits.entries()) {
    const position = prompt.length + i;
    const p = filteredDistribution(row.map(after), sampling);
    const place = (q: ReadonlyMap<number, number>): Place => {
      const union = [...new Set([...q.keys(), ...p.keys()])].filter((token) => p[token]! > 0 || (q.get(token) ?? 0) > 0);
      return { position, tokens: union, p: union.map((token) => p[token]!), q: union.map((token) => q.get(token) ?? 0) };
    };
    const found = drafters.map((drafter): Place | null => {
      const candidates = drafter.propose([]);
      if (candidates.length === 0) return null;
      const q = filteredDistribution(
        Float32Array.from(candidates, ({ token, probability }) => after(Math.log(probability), token)),
        sampling,
      );
      return place(new Map(candidates.map(({ token }, index) => [token, q[index]!])));
    });
    drafters.forEach(({ name }, index) => note(name, found[index] ?? null));
    const own = place(new Map(filteredDistribution(draftLogits[i]!.map(after), sampling).entries()));
    note(draft.name, own);
    if (draft.isSmaller) found.push(own);
    const surest = found.filter((each) => each !== null).sort((a, b) => Math.max(...b.q) - Math.max(...a.q));
    note("together", surest[0] ?? null);
    const token = tokens[i]!;
    counts.set(token, (counts.get(token) ?? 0) + 1);
    for (const drafter of drafters) drafter.append([token]);
  }
  return places;
}

/** For each reply and seed, whether the draft at each place was accepted in each of the ways. */
function draw(replies: readonly (readonly (Place | null)[])[]): readonly (readonly (readonly boolean[] | null)[])[] {
  const random = uniforms(2);
  return Array.from({ length: SEEDS }, (_, seed) => BigInt(1000 + seed)).flatMap((seed) =>
    replies.map((reply) =>
      reply.map((place) => {
        if (!place) return null;
        const { position, tokens, p, q } = place;
        const noises = tokens.map((token) => noise(seed, position, token));
        const best = (masses: readonly number[]) => {
          const scores = masses.map((mass, i) => Math.log(mass) + noises[i]!);
          return scores.indexOf(Math.max(...scores));
        };
        const independent = pick(p, random()) === pick(q, random());
        const draft = pick(q, random());
        return [independent, random() * q[draft]! < p[draft]!, best(p) === best(q)];
      }),
    ),
  );
}

/** By walking through whether each draft in turn was accepted, in chains that end where nothing is proposed. */
function tokensAPass(replies: readonly (readonly (boolean | null)[])[]): number {
  let passes = 0;
  let tokens = 0;
  for (const accepted of replies) {
    tokens += accepted.length;
    for (let at = 0; at < accepted.length; passes++) {
      let drafts = 0;
      while (drafts < CHAIN && accepted[at + drafts] === true) drafts += 1;
      at += drafts + 1; // the target's own token ends the pass
    }
  }
  return tokens / passes;
}

/** One draw from probabilities by a uniform number. */
function pick(probabilities: readonly number[], uniform: number): number {
  let left = uniform;
  for (const [i, probability] of probabilities.entries()) if ((left -= probability) <= 0) return i;
  return probabilities.findLastIndex((probability) => probability > 0);
}

function uniforms(state: number): () => number {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}
