// Firefox looks whether work is done only when something is submitted, or every 100 ms: a token's id, ready after 2 ms, came after 103
// (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699; with the nudge, 1.4 ms in jax-js, ekzhang/jax-js#124). This can go when the bug is
// mended in every Firefox that is supported, its extended releases included.

const EVERY_MS = 1;

/** Whether this browser needs to be nudged. */
export function needsNudge(userAgent: string = globalThis.navigator?.userAgent ?? ""): boolean {
  return /\bFirefox\/\d/.test(userAgent);
}

/** Waits for `mapped`, a promise of the device's, and submits nothing again and again meanwhile. */
export async function nudged<T>(device: GPUDevice, mapped: Promise<T>): Promise<T> {
  const timer = setInterval(() => device.queue.submit([device.createCommandEncoder().finish()]), EVERY_MS);
  try {
    return await mapped;
  } finally {
    clearInterval(timer);
  }
}

/** Waits until the GPU has done what was submitted before. Throws what a device that is lost throws. */
export async function workDone(device: GPUDevice): Promise<void> {
  const done = device.queue.onSubmittedWorkDone();
  await (needsNudge() ? nudged(device, done) : done);
}
