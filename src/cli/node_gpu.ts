// WebGPU outside a browser, from the npm package `webgpu` (Dawn). For the command line and the tests; the app never imports this.
import { create, globals } from "webgpu";

// Dawn crashes when its instance is collected while a device of it lives, so what was made is kept for as long as the process runs.
const instances: GPU[] = [];

/** The GPU of this machine, or with `compileOnly` one that validates shaders but runs nothing. */
export function nodeGpu(options: { readonly compileOnly?: boolean } = {}): GPU {
  Object.assign(globalThis, globals);
  const gpu = create(options.compileOnly ? ["backend=null"] : []);
  instances.push(gpu);
  return gpu;
}
