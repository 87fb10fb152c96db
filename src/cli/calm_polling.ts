// Dawn's binding for Node polls: as long as anything is awaited it asks again with each setImmediate, which keeps a core busy
// (https://github.com/dawn-gpu/node-webgpu/issues/17; since 0.6.2 no longer while nothing is awaited). Where that core is also the one that
// computes, half of the time went into asking. This can go when the binding sleeps.

const PATIENCE = 1; // ms for which a wait is polled without a pause, so that short ones end as soon as they may
const PAUSE = 1; // ms between polls from then on

type Callback = (...args: unknown[]) => void;

/** Makes setImmediate, which the binding looks up anew for each poll, pause once a chain of callbacks that ask for themselves again has gone on for a while. */
export function calmPolling(): void {
  const { setImmediate, clearImmediate } = globalThis;
  const paused = new WeakSet<object>();
  let began = 0; // when the first of the chain was asked for
  let polling = false;
  const calm = (callback: Callback, ...args: unknown[]) => {
    const now = performance.now();
    if (!polling) began = now;
    const poll = () => {
      polling = true;
      try {
        callback(...args);
      } finally {
        polling = false;
      }
    };
    if (now - began < PATIENCE) return setImmediate(poll);
    const pause = setTimeout(poll, PAUSE);
    paused.add(pause);
    return pause;
  };
  const clear = (handle: NodeJS.Immediate | NodeJS.Timeout | undefined) =>
    handle && paused.has(handle) ? clearTimeout(handle as NodeJS.Timeout) : clearImmediate(handle as NodeJS.Immediate | undefined);
  Object.assign(globalThis, { setImmediate: Object.assign(calm, setImmediate), clearImmediate: clear });
}
