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
  const before = await readPackages(powercap);
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
  const after = await readPackages(powercap);

  const counters: string[] = [];
  let joules = 0;
  if (before.size > 0) counters.push("RAPL");
  for (const [name, { microjoules, range }] of before) {
    const now = after.get(name)?.microjoules ?? microjoules;
    joules += (now >= microjoules ? now - microjoules : now + range - microjoules) / 1e6; // the counter goes round
  }
  if (samples.length > 0) {
    counters.push("nvidia-smi");
    joules += (samples.reduce((sum, sample) => sum + sample, 0) / samples.length) * seconds;
  }
  return counters.length > 0 ? { joules, seconds, counters } : null;
}

/** The counters of whole processors; their parts (intel-rapl:0:0) are within them. Without the right to read them there are none. */
async function readPackages(folder: string): Promise<ReadonlyMap<string, { readonly microjoules: number; readonly range: number }>> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^intel-rapl:\d+$/.test(name));
  const number = async (name: string, file: string) => Number(await readFile(join(folder, name, file), "utf8"));
  const packages = names.map(async (name) => {
    const counter = { microjoules: await number(name, "energy_uj"), range: await number(name, "max_energy_range_uj") };
    return [name, counter] as const;
  });
  return new Map((await Promise.allSettled(packages)).flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])));
}

async function nvidiaWatts(): Promise<number | null> {
  const text = await new Promise<string>((resolve) => {
    execFile("nvidia-smi", ["--query-gpu=power.draw", "--format=csv,noheader,nounits"], (error, stdout) => resolve(error ? "" : stdout));
  });
  const draws = text.split("\n").map(Number.parseFloat).filter(Number.isFinite);
  return draws.length > 0 ? draws.reduce((sum, draw) => sum + draw, 0) : null;
}
