import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { measureEnergy } from "../../src/cli/energy";

let powercap = "";
beforeEach(() => {
  powercap = mkdtempSync(join(tmpdir(), "gyre-powercap-"));
});
afterEach(() => rmSync(powercap, { recursive: true }));

function counter(zone: string, name: string, microjoules: number, range = 1_000_000_000) {
  mkdirSync(join(powercap, zone), { recursive: true });
  writeFileSync(join(powercap, zone, "name"), `${name}\n`);
  writeFileSync(join(powercap, zone, "energy_uj"), `${microjoules}\n`);
  writeFileSync(join(powercap, zone, "max_energy_range_uj"), `${range}\n`);
}

const noGpu = async () => null;

test("processors and their memory are added up, what is within a processor is not, and a counter that goes round is followed", async () => {
  const count = (package0: number, core: number, dram: number, package1: number) => {
    counter("intel-rapl:0", "package-0", package0);
    counter("intel-rapl:0:0", "core", core);
    counter("intel-rapl:0:1", "dram", dram);
    counter("intel-rapl:1", "package-1", package1, 10_000_000);
  };
  count(1_000_000, 1_000_000, 0, 9_500_000);
  const energy = await measureEnergy(async () => count(3_000_000, 2_000_000, 4_000_000, 500_000), { powercap, watts: noGpu });
  expect(energy).toMatchObject({ joules: 7, counters: ["RAPL package", "RAPL dram"] });
});

test("the platform's counter (psys), which holds the processor's, counts only where that is not to be had", async () => {
  const both = (processor: number, platform: number) => {
    counter("intel-rapl:0", "package-0", processor);
    counter("intel-rapl:1", "psys", platform);
  };
  both(0, 0);
  const energy = await measureEnergy(async () => both(2_000_000, 3_000_000), { powercap, watts: noGpu });
  expect(energy).toMatchObject({ joules: 2, counters: ["RAPL package"] });
  rmSync(join(powercap, "intel-rapl:0"), { recursive: true });
  const rest = await measureEnergy(async () => counter("intel-rapl:1", "psys", 9_000_000), { powercap, watts: noGpu });
  expect(rest).toMatchObject({ joules: 6, counters: ["RAPL psys"] });
});

test("a graphics card's watts are taken over the time", async () => {
  const draws = [100, 300];
  let over = () => {};
  const work = () => new Promise<void>((resolve) => (over = resolve));
  const watts = async () => {
    const draw = draws.shift() ?? null;
    if (draws.length === 0) over();
    return draw;
  };
  const energy = await measureEnergy(work, { powercap, watts });
  expect(energy?.counters).toEqual(["nvidia-smi"]);
  expect(energy!.joules / energy!.seconds).toBeCloseTo(200, 6);
});

test("without a counter there is no figure, and what the work throws is thrown", async () => {
  const none = { powercap: join(powercap, "absent"), watts: noGpu };
  expect(await measureEnergy(async () => {}, none)).toBeNull();
  const failing = async () => {
    throw new RangeError("mine");
  };
  await expect(measureEnergy(failing, none)).rejects.toThrow("mine");
});
