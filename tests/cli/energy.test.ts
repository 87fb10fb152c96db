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

function counter(name: string, microjoules: number, range = 1_000_000_000) {
  mkdirSync(join(powercap, name), { recursive: true });
  writeFileSync(join(powercap, name, "energy_uj"), `${microjoules}\n`);
  writeFileSync(join(powercap, name, "max_energy_range_uj"), `${range}\n`);
}

const noGpu = async () => null;

test("packages are added up, their parts are not, and a counter that goes round is followed", async () => {
  counter("intel-rapl:0", 1_000_000);
  counter("intel-rapl:0:0", 1_000_000);
  counter("intel-rapl:1", 9_500_000, 10_000_000);
  const energy = await measureEnergy(
    async () => {
      counter("intel-rapl:0", 3_000_000);
      counter("intel-rapl:0:0", 2_000_000);
      counter("intel-rapl:1", 500_000, 10_000_000);
    },
    { powercap, watts: noGpu },
  );
  expect(energy).toMatchObject({ joules: 3, counters: ["RAPL"] });
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
