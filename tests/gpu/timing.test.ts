import { expect, test } from "vitest";
import { copyBandwidth, timeMedian } from "../../src/gpu/timing";
import { useGpu } from "../setup/gpu";

const bench = useGpu();

/** A clock that only moves when work is done, and work that takes these milliseconds in turn. */
function simulated(durations: readonly number[]) {
  let clock = 0;
  let runs = 0;
  const work = async () => {
    clock += durations[runs++] ?? 1;
  };
  return { work, now: () => clock, runs: () => runs };
}

test("the first run warms up, and the median ignores the odd slow one", async () => {
  const { work, now, runs } = simulated([100, 4, 90, 5, 6, 5]);
  expect(await timeMedian(work, { ms: 1000, samples: 5 }, now)).toEqual({ ms: 5, fastest: 4, samples: 5 });
  expect(runs()).toBe(6);
});

test("an even count of samples has its median between two of them", async () => {
  const { work, now } = simulated([1, 2, 4]);
  expect(await timeMedian(work, { ms: 1000, samples: 2 }, now)).toMatchObject({ ms: 3, samples: 2 });
});

test("no sample is begun that the budget has no room for", async () => {
  const { work, now, runs } = simulated([10, 30, 30, 30, 30]);
  expect(await timeMedian(work, { ms: 100, samples: 50 }, now)).toMatchObject({ ms: 30, samples: 2 });
  expect(now()).toBeLessThanOrEqual(100);
  expect(runs()).toBe(3);
});

test("work longer than the budget is run once, and that is the sample", async () => {
  const { work, now, runs } = simulated([500]);
  expect(await timeMedian(work, { ms: 100, samples: 5 }, now)).toEqual({ ms: 500, fastest: 500, samples: 1 });
  expect(runs()).toBe(1);
});

test("copying has a bandwidth, and leaves no buffers behind", () =>
  bench.run(async ({ gpu }) => {
    const bandwidth = await copyBandwidth(gpu.device, 2 ** 20, { ms: 200, samples: 3 });
    expect(bandwidth).toBeGreaterThan(1e7);
    expect(bandwidth).toBeLessThan(1e13);
  }));
