// WebGPU outside a browser, from the npm package `webgpu` (Dawn). For the command line and the tests; the app never imports this.
import { create, globals } from "webgpu";

// Dawn crashes when its instance is collected while a device of it lives, so what was made is kept for as long as the process runs.
const instances: GPU[] = [];

export interface NodeGpuOptions {
  readonly compileOnly?: boolean; // a GPU that validates shaders and runs nothing
  readonly profile?: boolean; // timestamps to the nanosecond, where Dawn rounds them to a tenth of a millisecond otherwise
}

/** The GPU of this machine. */
export function nodeGpu({ compileOnly = false, profile = false }: NodeGpuOptions = {}): GPU {
  Object.assign(globalThis, globals);
  if (instances.length === 0 && isSoftware()) waitWithoutSpinning();
  const gpu = create([...(compileOnly ? ["backend=null"] : []), ...(profile ? ["disable-dawn-features=timestamp_quantization"] : [])]);
  instances.push(gpu);
  return gpu;
}

/** Whether Vulkan's driver computes on this machine's cores, as tools/lib/adapter.mjs chooses it. */
function isSoftware(): boolean {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  return /swiftshader/i.test(VK_DRIVER_FILES ?? VK_ICD_FILENAMES ?? "");
}

/**
 * As long as work is under way, Dawn looks whether it is done on each turn of the event loop, by the global setImmediate, which takes a whole core.
 * A software adapter computes on those cores: on two of them a token takes three times as long. Looking each millisecond is enough there.
 */
function waitWithoutSpinning(): void {
  const { setImmediate } = globalThis;
  const patient = (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
    isNative(callback) ? setTimeout(callback, 1, ...args) : setImmediate(callback, ...args);
  Object.assign(globalThis, { setImmediate: Object.assign(patient, setImmediate) });
}

/** Dawn's are native functions, other people's hardly ever. */
function isNative(callback: (...args: unknown[]) => void): boolean {
  return Function.prototype.toString.call(callback).endsWith("{ [native code] }");
}
