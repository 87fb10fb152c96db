// Three groups of tests: plain Node, on a GPU (in software unless GYRE_ADAPTER=hardware), and of what the build made.
import { defineConfig } from "vitest/config";
import { adapterEnvironment } from "./tools/lib/adapter.mjs";

// Vulkan's loader is looked for when a process starts, so the processes that run the tests must inherit this.
Object.assign(process.env, adapterEnvironment("software"));

const GPU = ["gpu", "kernels", "engine", "golden"].map((room) => `tests/${room}/**/*.test.ts`);
const BUILT = ["tests/app/bundle.test.ts", "tests/cli/**/*.test.ts"];
// One file at a time: the software adapter takes every core there is. Processes rather than threads, because a native driver is loaded.
const onGpu = { pool: "forks", fileParallelism: false } as const;

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/**/*.test.{ts,tsx}"], exclude: [...GPU, ...BUILT], testTimeout: 30_000 } },
      { test: { name: "gpu", include: GPU, testTimeout: 120_000, hookTimeout: 120_000, ...onGpu } },
      { test: { name: "dist", include: BUILT, testTimeout: 120_000, hookTimeout: 120_000, ...onGpu } },
    ],
  },
});
