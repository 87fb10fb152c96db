// Measuring on a clock that jumps and a machine that is shared: a warm-up, several samples, their median, and an end to patience.

export interface Budget {
  readonly ms: number; // no further sample is begun after so long
  readonly samples: number; // at most
}

export interface Timing {
  readonly ms: number; // median
  readonly samples: number;
  readonly fastest: number; // ms
}

/**
 * Median wall time of `work`, which says by its promise when the GPU is done. The first run only warms up, unless it alone takes half of the
 * budget: then it is the one sample.
 */
export async function timeMedian(work: () => Promise<void>, budget: Budget, now: () => number = () => performance.now()): Promise<Timing> {
  const begin = now();
  const run = async () => {
    const start = now();
    await work();
    return now() - start;
  };
  const first = await run();
  const times: number[] = [];
  while (times.length < budget.samples && now() - begin + (times.at(-1) ?? first) < budget.ms) times.push(await run());
  if (times.length === 0) times.push(first);
  times.sort((a, b) => a - b);
  const middle = Math.floor(times.length / 2);
  const [low = 0, high = 0] = times.length % 2 === 0 ? times.slice(middle - 1, middle + 1) : [times[middle], times[middle]];
  return { ms: (low + high) / 2, samples: times.length, fastest: times[0] ?? 0 };
}

/**
 * Bytes a second that the device moves when it copies one buffer to another, each byte counted as read and as written. What a memory-bound
 * kernel reaches is told as a share of this.
 */
export async function copyBandwidth(device: GPUDevice, bytes: number, budget: Budget): Promise<number> {
  const size = Math.min(bytes, device.limits.maxBufferSize) & ~15;
  const make = (label: string) => device.createBuffer({ label, size, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const [from, to] = [make("copied from"), make("copied to")];
  // Copies that follow one another in a submit, so that what a submit costs is divided among them.
  const copies = 8;
  try {
    const { ms } = await timeMedian(async () => {
      const encoder = device.createCommandEncoder();
      for (let i = 0; i < copies; i++) encoder.copyBufferToBuffer(i % 2 === 0 ? from : to, 0, i % 2 === 0 ? to : from, 0, size);
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
    }, budget);
    return (2 * copies * size * 1000) / ms;
  } finally {
    from.destroy();
    to.destroy();
  }
}
