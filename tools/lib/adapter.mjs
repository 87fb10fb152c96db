// @ts-check
// Chooses what the npm package `webgpu` computes on under Linux, where it needs a Vulkan driver: the GPU's, or SwiftShader, which comes with every Chromium.
// On macOS (Metal) and Windows (Direct3D 12) it finds its adapter by itself.
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findBrowser } from "./browser.mjs";

const DRIVER_FOLDERS = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d"];
const BROWSER_FOLDERS = [
  "/usr/lib/chromium",
  "/usr/lib64/chromium-browser",
  "/usr/lib/chromium-browser",
  "/opt/google/chrome",
  "/opt/microsoft/msedge",
];
const SOFTWARE_DRIVER = "vk_swiftshader_icd.json";

/**
 * Environment variables that make Vulkan use SwiftShader; none where nothing needs to be, or can be, set. A process must be started with
 * them: the loader's path is read only then.
 * GYRE_ADAPTER=software or GYRE_ADAPTER=hardware overrides `preferred`.
 * @param {"software" | "hardware"} preferred "hardware" still falls back to software where there is no GPU with a driver
 * @returns {Record<string, string>}
 */
export function adapterEnvironment(preferred) {
  if (process.platform !== "linux") return {};
  const asked = process.env["GYRE_ADAPTER"];
  const choice = asked === "software" || asked === "hardware" ? asked : preferred;
  if (choice === "hardware" && (asked === "hardware" || chosenByUser() || hasGpu())) return {};
  const driver = softwareDriver(findBrowser());
  if (driver === null) return {};
  // Chromium brings Vulkan's loader too, for systems that have none of their own.
  const folders = [dirname(driver), ...(process.env["LD_LIBRARY_PATH"] ?? "").split(":")].filter((folder) => folder !== "");
  return { VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: folders.join(":") };
}

function chosenByUser() {
  return process.env["VK_ICD_FILENAMES"] !== undefined || process.env["VK_DRIVER_FILES"] !== undefined;
}

/**
 * Whether there is a GPU and a Vulkan driver for one. Distributions install the drivers of all makers together, so the device's own file is
 * looked for too. Lavapipe does not count: Dawn refuses it.
 * @param {{ exists: (path: string) => boolean, list: (path: string) => string[] }} [files]
 */
export function hasGpu(files = { exists: existsSync, list: (path) => (existsSync(path) ? readdirSync(path) : []) }) {
  const drivers = DRIVER_FOLDERS.flatMap((folder) => files.list(folder)).filter(
    (name) => name.endsWith(".json") && !/lvp|lavapipe|swiftshader/i.test(name),
  );
  const device =
    files.exists("/dev/nvidiactl") || files.exists("/dev/dxg") || files.list("/dev/dri").some((name) => name.startsWith("renderD"));
  return drivers.length > 0 && device;
}

/**
 * SwiftShader's driver description: beside the browser's program, or where distributions put it.
 * @param {string | null} browser
 * @param {{ exists: (path: string) => boolean, real: (path: string) => string }} [files]
 * @returns {string | null}
 */
export function softwareDriver(browser, files = { exists: existsSync, real: realpathSync }) {
  const beside =
    browser === null ? [] : [dirname(files.real(browser)), join("/usr/lib", basename(browser)), join("/opt", basename(browser))];
  return [...beside, ...BROWSER_FOLDERS].map((folder) => join(folder, SOFTWARE_DRIVER)).find((path) => files.exists(path)) ?? null;
}
