// WebGPU outside a browser, from the npm package `webgpu` (Dawn). For the command line and the tests; the app never imports this.
import { create, globals } from "webgpu";
import { calmPolling } from "./calm_polling";

// Dawn crashes when its instance is collected while a device of it lives, so what was made is kept for as long as the process runs.
const instances: GPU[] = [];

export interface NodeGpuOptions {
  readonly compileOnly?: boolean; // a GPU that validates shaders and runs nothing
  readonly profile?: boolean; // timestamps to the nanosecond, where Dawn rounds them to a tenth of a millisecond otherwise
}

/** The GPU of this machine. */
export function nodeGpu({ compileOnly = false, profile = false }: NodeGpuOptions = {}): GPU {
  Object.assign(globalThis, globals);
  // On a GPU of its own a token should not wait for a timer.
  if (instances.length === 0 && /swiftshader/i.test(process.env["VK_DRIVER_FILES"] ?? "")) calmPolling();
  const gpu = create([...(compileOnly ? ["backend=null"] : []), ...(profile ? ["disable-dawn-features=timestamp_quantization"] : [])]);
  instances.push(gpu);
  return gpu;
}
