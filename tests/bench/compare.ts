// Two or more ways of doing the same, timed in turns within one run: a shared machine is slow for all of them alike, so their ratio holds where
// their times do not.

export interface Way {
  readonly name: string;
  /** Does it so many times; done once the GPU is. */
  readonly run: (times: number) => Promise<void>;
}

const LEAST_MS = 10; // of a turn, as Node looks only each millisecond whether a software adapter is done

export interface Compared {
  readonly name: string;
  readonly ms: number; // of doing it once, median
  readonly ratio: number; // of its time to the first way's, the median over turns
}

interface Turn {
  readonly ms: number; // of doing it once
  readonly cpu: number; // of that, the time of this process on all cores
}

/**
 * Each way to warm up, then in turns, forwards and backwards, until the time is up; at least three turns, each as many times as take a while. Prints
 * a line of Markdown each: the median time, its ratio to the first way's, between which ratios half of the turns lie, and the ratio of CPU times.
 * The last is what counts for a software adapter: it holds where other work has the cores.
 */
export async function compare(title: string, ways: readonly [Way, ...Way[]], budgetMs = 5000): Promise<readonly Compared[]> {
  const counts = new Map<Way, number>();
  for (const way of ways) counts.set(way, await countOf(way));
  const turns = new Map<Way, Turn[]>(ways.map((way) => [way, []]));
  const begin = performance.now();
  for (let turn = 0; turn < 3 || (performance.now() - begin < budgetMs && turn < 200); turn++) {
    for (const way of turn % 2 === 0 ? ways : [...ways].reverse()) {
      const count = counts.get(way)!;
      const [start, used] = [performance.now(), process.cpuUsage()];
      await way.run(count);
      const { user, system } = process.cpuUsage(used);
      turns.get(way)!.push({ ms: (performance.now() - start) / count, cpu: (user + system) / 1000 / count });
    }
  }
  const first = turns.get(ways[0])!;
  console.log(`\n| ${title} | ms | ratio | middle half | CPU | turns |\n|---|---|---|---|---|---|`);
  return ways.map((way) => {
    const own = turns.get(way)!;
    const ratios = (of: keyof Turn) => own.map((turn, i) => turn[of] / (first[i]?.[of] ?? Number.NaN));
    const [low, ratio, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios("ms"), share)) as [number, number, number];
    const cpu = quantile(ratios("cpu"), 0.5);
    const times = own.map((turn) => turn.ms);
    const ms = quantile(times, 0.5);
    const half = `${low.toFixed(2)} to ${high.toFixed(2)}`;
    console.log(`| ${way.name} | ${ms.toPrecision(3)} | ${ratio.toFixed(2)} | ${half} | ${cpu.toFixed(2)} | ${first.length} |`);
    return { name: way.name, ms, ratio };
  });
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;
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
