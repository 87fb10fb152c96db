import { Engine, type EngineOptions } from "../engine/engine";
import { type Gpu, openGpu } from "../gpu/device";
import type { Checkpoint } from "../weights/source";
import type { Terminal } from "./terminal";

/** Runs `use` with this machine's GPU, and gives it back; with `profile`, one that tells the time of its work. Throws EngineError "no-adapter". */
export async function withGpu<T>(use: (gpu: Gpu) => Promise<T>, { profile = false } = {}): Promise<T> {
  // Loaded only now, so that what needs no GPU also runs where the native library does not load.
  const { nodeGpu } = await import("./node_gpu");
  const gpu = await openGpu(nodeGpu({ profile }), { profile });
  try {
    return await use(gpu);
  } finally {
    gpu.device.destroy();
  }
}

/** Loads a model, runs `use` with it, and frees it. Ctrl+C ends the loading. */
export async function withEngine<T>(
  gpu: Gpu,
  checkpoint: Checkpoint,
  options: EngineOptions,
  terminal: Terminal,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await Engine.load(gpu, checkpoint, {
    ...options,
    onProgress: ({ phase, done, total }) => {
      terminal.signal.throwIfAborted();
      const percent = total > 0 ? Math.floor((100 * done) / total) : 100;
      terminal.progress(`${phase === "upload" ? "Loading weights" : "Compiling shaders"}: ${percent} %`);
    },
  });
  terminal.progress(null);
  try {
    terminal.signal.throwIfAborted();
    return await use(engine);
  } finally {
    engine.dispose();
  }
}
