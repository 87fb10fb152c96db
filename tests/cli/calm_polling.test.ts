import { afterEach, expect, test, vi } from "vitest";
import { calmPolling } from "../../src/cli/calm_polling";

const { setImmediate: own, clearImmediate } = globalThis;
afterEach(() => void Object.assign(globalThis, { setImmediate: own, clearImmediate }));

/** Polls as Dawn's binding does until this many milliseconds are over; when each poll came. */
function poll(forMs: number): Promise<number[]> {
  const began = performance.now();
  const polls: number[] = [];
  return new Promise((resolve) => {
    const ask = () => {
      polls.push(performance.now() - began);
      if (performance.now() - began < forMs) globalThis.setImmediate(ask);
      else resolve(polls);
    };
    globalThis.setImmediate(ask);
  });
}

test("a long wait is polled about every millisecond", async () => {
  calmPolling();
  const late = (await poll(60)).filter((ms) => ms > 10);
  expect(late.length).toBeGreaterThan(0);
  expect(late.length).toBeLessThanOrEqual(60);
});

test("a wait that begins is polled without a pause, also behind a long one", async () => {
  const immediate = vi.fn<(poll: () => void) => void>((poll) => void own(poll));
  Object.assign(globalThis, { setImmediate: immediate });
  calmPolling();
  await poll(0);
  expect(immediate).toHaveBeenCalledTimes(1);
  await poll(20);
  immediate.mockClear();
  await poll(0);
  expect(immediate).toHaveBeenCalledTimes(1);
});

test("what waits for a pause can be called off, and the next one comes", async () => {
  calmPolling();
  const came: string[] = [];
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const ask = () => {
      if (performance.now() - began < 5) return void globalThis.setImmediate(ask);
      // The chain is older than the patience, so both wait for a pause.
      globalThis.clearImmediate(globalThis.setImmediate(() => came.push("called off")));
      globalThis.setImmediate(() => {
        came.push("next");
        resolve();
      });
    };
    globalThis.setImmediate(ask);
  });
  expect(came).toEqual(["next"]);
});

test("arguments arrive", async () => {
  calmPolling();
  const arrived = await new Promise<unknown[]>((resolve) => setImmediate((...args: unknown[]) => resolve(args), 1, "two"));
  expect(arrived).toEqual([1, "two"]);
});
