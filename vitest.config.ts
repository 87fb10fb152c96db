// Three groups of tests: plain Node, on a GPU (in software unless GYRE_ADAPTER=hardware), and of what the build made.
import { defineConfig } from "vitest/config";
import { adapterEnvironment } from "./tools/lib/adapter.mjs";

// Vulkan's loader is looked for when a process starts, so the processes that run the tests must inherit this.
Object.assign(process.env, adapterEnvironment("software"));

const GPU = ["gpu", "kernels", "engine", "golden"].map((room) => `tests/${room}/**/*.test.ts`);
const BUILT = ["tests/app/bundle.test.ts", "tests/cli/**/*.test.ts"];
const onGpu = { pool: "forks", testTimeout: 120_000, hookTimeout: 120_000 } as const; // processes, because a native driver is loaded

export default defineConfig({
  test: {
    maxWorkers: "100%", // of two cores vitest would leave one idle
    projects: [
      { test: { name: "unit", include: ["tests/**/*.test.{ts,tsx}"], exclude: [...GPU, ...BUILT], testTimeout: 30_000 } },
      // Files side by side: a file's work is mostly one thread's, which makes references, compiles, or runs a small kernel.
      { test: { name: "gpu", include: GPU, ...onGpu } },
      { test: { name: "dist", include: BUILT, ...onGpu } },
    ],
  },
});
