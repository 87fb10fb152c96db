// What a stretch of work costs in joules, where the machine counts: the processor's RAPL counters (Linux), and an NVIDIA GPU's power.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Energy {
  readonly joules: number; // of all counters
  readonly seconds: number;
  readonly counters: readonly string[]; // which were read
}

export interface EnergyOptions {
  readonly powercap?: string; // the folder of Linux' powercap interface
  /** Watts that all NVIDIA GPUs draw now, or null where there is none. */
  readonly watts?: () => Promise<number | null>;
}

const SAMPLE_MS = 100;

/** Runs `work` and says what it took, or null where nothing counts. What else the machine does meanwhile is counted too. */
export async function measureEnergy(
  work: () => Promise<void>,
  { powercap = "/sys/class/powercap", watts = nvidiaWatts }: EnergyOptions = {},
): Promise<Energy | null> {
  const before = await readCounters(powercap);
  const samples: number[] = [];
  let working = true;
  const sampling = (async () => {
    while (working) {
      const now = await watts();
      if (now === null) return;
      samples.push(now);
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  const start = performance.now();
  let seconds: number;
  try {
    await work();
  } finally {
    seconds = (performance.now() - start) / 1000;
    working = false;
    await sampling;
  }
  const after = await readCounters(powercap);

  const counters = [...new Set([...before.values()].map(({ what }) => `RAPL ${what}`))];
  let joules = 0;
  for (const [zone, { microjoules, range }] of before) {
    const now = after.get(zone)?.microjoules ?? microjoules;
    joules += (now >= microjoules ? now - microjoules : now + range - microjoules) / 1e6; // the counter goes round
  }
  if (samples.length > 0) {
    counters.push("nvidia-smi");
    joules += (samples.reduce((sum, sample) => sum + sample, 0) / samples.length) * seconds;
  }
  return counters.length > 0 ? { joules, seconds, counters } : null;
}

interface Counter {
  readonly what: string; // "package", "dram" or "psys"
  readonly microjoules: number;
  readonly range: number; // it goes round there
}

/**
 * The counters of processors and of their memory, by their zones. The rest of a processor's zones are within it, and it is within the whole
 * platform's (psys), which counts only where no processor does. Without the right to read them there are none.
 */
async function readCounters(folder: string): Promise<ReadonlyMap<string, Counter>> {
  const zones = (await readdir(folder).catch(() => [])).filter((zone) => /^intel-rapl(:\d+)+$/.test(zone)).sort();
  const read = (zone: string, file: string) => readFile(join(folder, zone, file), "utf8");
  const counters = zones.map(async (zone) => {
    const what = (await read(zone, "name")).trim().replace(/-.*/, ""); // "package-0"
    const microjoules = Number(await read(zone, "energy_uj"));
    return [zone, { what, microjoules, range: Number(await read(zone, "max_energy_range_uj")) }] as const;
  });
  const known = (await Promise.allSettled(counters)).flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const processors = known.filter(([, { what }]) => what === "package" || what === "dram");
  return new Map(processors.length > 0 ? processors : known.filter(([, { what }]) => what === "psys"));
}

async function nvidiaWatts(): Promise<number | null> {
  const text = await new Promise<string>((resolve) => {
    execFile("nvidia-smi", ["--query-gpu=power.draw", "--format=csv,noheader,nounits"], (error, stdout) => resolve(error ? "" : stdout));
  });
  const draws = text.split("\n").map(Number.parseFloat).filter(Number.isFinite);
  return draws.length > 0 ? draws.reduce((sum, draw) => sum + draw, 0) : null;
}
