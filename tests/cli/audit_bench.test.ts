import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { measureEnergy } from "../../src/cli/energy";
import { shapeNamed } from "../../src/cli/shapes";
import { randomCheckpoint } from "../../src/engine/random_checkpoint";

test("the platform's counter (psys), which holds the processor's, is not added to it", async () => {
  const powercap = mkdtempSync(join(tmpdir(), "gyre-psys-"));
  const counter = (zone: string, name: string, microjoules: number) => {
    mkdirSync(join(powercap, zone), { recursive: true });
    writeFileSync(join(powercap, zone, "name"), `${name}\n`);
    writeFileSync(join(powercap, zone, "energy_uj"), `${microjoules}\n`);
    writeFileSync(join(powercap, zone, "max_energy_range_uj"), "1000000000\n");
  };
  counter("intel-rapl:0", "package-0", 0);
  counter("intel-rapl:1", "psys", 0);
  const energy = await measureEnergy(
    async () => {
      counter("intel-rapl:0", "package-0", 2_000_000);
      counter("intel-rapl:1", "psys", 3_000_000);
    },
    { powercap, watts: async () => null },
  );
  expect(energy?.joules).not.toBe(5);
});

test("a shape's report names the real model's parameters", () => {
  expect(randomCheckpoint("LFM2.5-350M", shapeNamed("LFM2.5-350M")).packed?.parameters).toBe(354_483_968);
});
