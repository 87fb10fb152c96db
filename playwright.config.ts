// End-to-end tests: the built app, served as it would be hosted, in a real Chromium with software WebGPU.
import { defineConfig } from "@playwright/test";

const PORT = Number(process.env["GYRE_E2E_PORT"] ?? 4174);

export default defineConfig({
  testDir: "tests/e2e",
  testMatch: "*.e2e.ts",
  outputDir: "test-results",
  fullyParallel: false,
  workers: 2, // files, not tests, side by side: while one has the software adapter at work, another waits for its page
  timeout: 600_000, // for three loads of a model on a machine that has much else to do
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    actionTimeout: 60_000, // a button that is covered is told soon
    baseURL: `http://localhost:${PORT}/`,
    serviceWorkers: "allow",
    trace: "retain-on-failure",
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: process.env["GYRE_CHROMIUM"] ?? "/usr/bin/chromium",
      args: [
        "--headless=new",
        "--no-sandbox",
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension", // a third of a load; see src/cli/node_gpu.ts
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
  webServer: {
    command: `npx vite preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}/`,
  },
});
