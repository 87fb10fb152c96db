// WebGPU outside a browser, from the npm package `webgpu` (Dawn). For the command line and the tests; the app never imports this.
import { create, globals } from "webgpu";
import { calmPolling } from "./calm_polling";

// Dawn crashes when its instance is collected while a device of it lives, so what was made is kept for as long as the process runs.
const instances: GPU[] = [];

export interface NodeGpuOptions {
  readonly compileOnly?: boolean; // a GPU that validates shaders and runs nothing
  readonly profile?: boolean; // timestamps to the nanosecond, where Dawn rounds them to a tenth of a millisecond otherwise
}

// SwiftShader makes an instruction of every word of workgroup memory that a declaration says is zero at first: 1.0 of the 1.4 s of CPU that
// attention took to compile. Where Dawn may not declare it, it writes a loop. Seen with the SwiftShader of Chromium 156, and no bug of it is
// known to us; this can go when a pipeline compiles as fast without.
const DECLARED_ZEROS = "use_vulkan_zero_initialize_workgroup_memory_extension";

/** The GPU of this machine. */
export function nodeGpu({ compileOnly = false, profile = false }: NodeGpuOptions = {}): GPU {
  Object.assign(globalThis, globals);
  const software = /swiftshader/i.test(process.env["VK_DRIVER_FILES"] ?? process.env["VK_ICD_FILENAMES"] ?? "");
  // On a GPU of its own a token should not wait for a timer.
  if (instances.length === 0 && software) calmPolling();
  const disabled = [...(profile ? ["timestamp_quantization"] : []), ...(software ? [DECLARED_ZEROS] : [])];
  const gpu = create([
    ...(compileOnly ? ["backend=null"] : []),
    ...(disabled.length > 0 ? [`disable-dawn-features=${disabled.join(",")}`] : []),
  ]);
  instances.push(gpu);
  return gpu;
}
