// `npm run bench -- NAME`: comparisons of ways to do the same, tests/bench/NAME.bench.ts. No part of `npm test`: what they find is read, not asserted.
import { defineConfig } from "vitest/config";
import { adapterEnvironment } from "./tools/lib/adapter.mjs";

Object.assign(process.env, adapterEnvironment("hardware"));

export default defineConfig({
  test: {
    include: ["tests/bench/**/*.bench.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ["default"],
    disableConsoleIntercept: true,
  },
});
