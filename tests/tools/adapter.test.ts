import { afterEach, expect, test, vi } from "vitest";
import { adapterEnvironment, hasGpu, softwareDriver } from "../../tools/lib/adapter.mjs";

const DEBIAN = "/usr/lib/chromium/vk_swiftshader_icd.json";

afterEach(() => vi.unstubAllEnvs());

function files(present: readonly string[]) {
  return {
    exists: (path: string) => present.includes(path),
    list: (folder: string) => present.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1)),
    real: (path: string) => (path === "/usr/bin/google-chrome" ? "/opt/google/chrome/google-chrome" : path),
  };
}

test("a GPU takes a driver and a device", () => {
  const driver = "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json";
  expect(hasGpu(files([driver, "/dev/dri/renderD128"]))).toBe(true);
  expect(hasGpu(files([driver]))).toBe(false);
  expect(hasGpu(files(["/dev/dri/renderD128"]))).toBe(false);
  expect(hasGpu(files(["/etc/vulkan/icd.d/nvidia_icd.json", "/dev/nvidiactl"]))).toBe(true);
});

test("a display without a render node, and Mesa's software driver, are no GPU", () => {
  expect(hasGpu(files(["/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "/dev/dri/renderD128"]))).toBe(false);
  expect(hasGpu(files(["/usr/share/vulkan/icd.d/intel_icd.x86_64.json", "/dev/dri/card0"]))).toBe(false);
});

test("SwiftShader is found beside the browser's real program file, or where Debian keeps it", () => {
  expect(softwareDriver("/usr/bin/google-chrome", files(["/opt/google/chrome/vk_swiftshader_icd.json"]))).toBe(
    "/opt/google/chrome/vk_swiftshader_icd.json",
  );
  expect(softwareDriver("/usr/bin/chromium", files([DEBIAN]))).toBe(DEBIAN);
  expect(softwareDriver(null, files([DEBIAN]))).toBe(DEBIAN);
  expect(softwareDriver(null, files([]))).toBeNull();
});

test.runIf(process.platform === "linux")("GYRE_ADAPTER=hardware and a driver that the user chose leave the environment alone", () => {
  vi.stubEnv("GYRE_ADAPTER", "hardware");
  expect(adapterEnvironment("software")).toEqual({});
  vi.stubEnv("GYRE_ADAPTER", "");
  vi.stubEnv("VK_DRIVER_FILES", "/my/driver.json");
  expect(adapterEnvironment("hardware")).toEqual({});
});

test.runIf(process.platform === "linux")(
  "the loader beside the software driver comes first on the library path, and what was there stays",
  () => {
    vi.stubEnv("LD_LIBRARY_PATH", "/mine:/yours");
    vi.stubEnv("GYRE_ADAPTER", "software");
    const { LD_LIBRARY_PATH, VK_DRIVER_FILES, VK_ICD_FILENAMES } = adapterEnvironment("hardware");
    expect(VK_ICD_FILENAMES).toMatch(/vk_swiftshader_icd\.json$/);
    expect(VK_DRIVER_FILES).toBe(VK_ICD_FILENAMES);
    expect(LD_LIBRARY_PATH).toBe(`${VK_ICD_FILENAMES?.replace(/\/[^/]*$/, "")}:/mine:/yours`);
  },
);
