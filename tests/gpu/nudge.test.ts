import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { needsNudge, nudged, workDone } from "../../src/gpu/nudge";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function counting() {
  let submits = 0;
  const device = {
    createCommandEncoder: () => ({ finish: () => ({}) }),
    queue: { submit: () => submits++ },
  } as unknown as GPUDevice;
  return { device, submits: () => submits };
}

test("the queue is nudged about every millisecond until the promise settles, and not after", async () => {
  const { device, submits } = counting();
  let settle: ((value: number) => void) | undefined;
  const waiting = nudged(device, new Promise<number>((resolve) => (settle = resolve)));
  await vi.advanceTimersByTimeAsync(10);
  expect(submits()).toBeGreaterThanOrEqual(9);
  settle?.(7);
  expect(await waiting).toBe(7);
  const before = submits();
  await vi.advanceTimersByTimeAsync(50);
  expect(submits()).toBe(before);
});

test("a promise that fails ends it too", async () => {
  const { device, submits } = counting();
  await expect(nudged(device, Promise.reject(new Error("lost")))).rejects.toThrow("lost");
  await vi.advanceTimersByTimeAsync(50);
  expect(submits()).toBe(0);
});

test.each([
  ["Firefox", 9],
  ["Chrome", 0],
])("the end of a prompt's chunk is waited for in the same way: %s", async (browser, least) => {
  vi.stubGlobal("navigator", { userAgent: `Mozilla/5.0 (X11; Linux x86_64) ${browser}/145.0` });
  const { device, submits } = counting();
  let settle: (() => void) | undefined;
  const done = new Promise<undefined>((resolve) => (settle = () => resolve(undefined)));
  Object.assign(device.queue, { onSubmittedWorkDone: () => done });
  const waiting = workDone(device);
  await vi.advanceTimersByTimeAsync(10);
  expect(submits()).toBeGreaterThanOrEqual(least);
  settle?.();
  await waiting;
  const before = submits();
  await vi.advanceTimersByTimeAsync(50);
  expect(submits()).toBe(before);
  if (least === 0) expect(before).toBe(0);
});

test("only Firefox is nudged", () => {
  expect(needsNudge("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")).toBe(true);
  expect(needsNudge("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36")).toBe(false);
  expect(needsNudge("Node.js/22")).toBe(false);
  expect(needsNudge("")).toBe(false);
});
