// Two or more ways of doing the same, timed in turns within one run: a shared machine is slow for all of them alike, so their ratio holds where
// their times do not.

export interface Way {
  readonly name: string;
  /** Does it so many times; done once the GPU is. */
  readonly run: (times: number) => Promise<void>;
}

export interface Compared {
  readonly name: string;
  readonly ms: number; // of doing it once, median
  readonly ratio: number; // of its time to the first way's, the median over turns
  readonly low: number; // of these ratios, a quarter is below
  readonly high: number; // and a quarter above
}

const LEAST_MS = 10; // of a turn, as Node looks only each millisecond whether a software adapter is done

/**
 * Each way to warm up, then in turns, forwards and backwards, until the time is up; at least three turns, each as many times as take a while. Prints
 * a line of Markdown each.
 */
export async function compare(title: string, ways: readonly [Way, ...Way[]], budgetMs = 5000): Promise<readonly Compared[]> {
  const counts = new Map<Way, number>();
  for (const way of ways) counts.set(way, await countOf(way));
  const times = new Map<Way, number[]>(ways.map((way) => [way, []]));
  const begin = performance.now();
  for (let turn = 0; turn < 3 || (performance.now() - begin < budgetMs && turn < 200); turn++) {
    for (const way of turn % 2 === 0 ? ways : [...ways].reverse()) {
      const count = counts.get(way)!;
      const start = performance.now();
      await way.run(count);
      times.get(way)!.push((performance.now() - start) / count);
    }
  }
  const first = times.get(ways[0])!;
  const compared = ways.map((way) => {
    const own = times.get(way)!;
    const ratios = own.map((ms, turn) => ms / (first[turn] ?? Number.NaN)).sort((a, b) => a - b);
    const at = (share: number) => ratios[Math.floor(share * (ratios.length - 1))] ?? Number.NaN;
    return {
      name: way.name,
      ms: [...own].sort((a, b) => a - b)[Math.floor(own.length / 2)]!,
      ratio: at(0.5),
      low: at(0.25),
      high: at(0.75),
    };
  });
  console.log(`\n| ${title} | ms | ratio | middle half | turns |\n|---|---|---|---|---|`);
  for (const { name, ms, ratio, low, high } of compared) {
    console.log(`| ${name} | ${ms.toPrecision(3)} | ${ratio.toFixed(2)} | ${low.toFixed(2)} to ${high.toFixed(2)} | ${first.length} |`);
  }
  return compared;
}

/** How many times take LEAST_MS, a power of two; at most 256. */
async function countOf({ run }: Way): Promise<number> {
  await run(1);
  for (let count = 1; count < 256; count *= 2) {
    let least = Number.POSITIVE_INFINITY; // of two, for a machine that is held up now and then
    for (let i = 0; i < 2; i++) {
      const start = performance.now();
      await run(count);
      least = Math.min(least, performance.now() - start);
    }
    if (least >= LEAST_MS) return count;
  }
  return 256;
}
