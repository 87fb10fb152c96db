// What somebody can do whose browser gives no WebGPU, or no GPU behind it. Only words depend on the browser's name, never behaviour.
import type { ErrorCode } from "../protocol/errors";

export interface Browser {
  readonly userAgent: string;
  readonly secure: boolean; // window.isSecureContext
}

const NEWER = "Chrome or Edge 127 and later, Safari 26 and later, and Firefox 141 (Windows) or 145 (Mac) and later have it.";

/** Steps to try, the likeliest first, for "no-webgpu" and "no-adapter". */
export function browserHints(code: ErrorCode, { userAgent, secure }: Browser): readonly string[] {
  const firefox = /Firefox\/|FxiOS\//.test(userAgent);
  const apple = /iPhone|iPad|Macintosh/.test(userAgent);
  const chromium = /Chrome\/|Edg\//.test(userAgent);
  const linux = /Linux/.test(userAgent) && !/Android/.test(userAgent);
  const hints: string[] = [];
  if (!secure) hints.push("Open this page over https, or on localhost: browsers offer WebGPU only there.");
  if (/FxiOS\/|CriOS\//.test(userAgent) || (apple && !chromium && !firefox)) {
    hints.push("On iPhone, iPad and Mac, Safari has WebGPU since version 26: update the system.");
  } else if (firefox) {
    hints.push(
      linux || /Android/.test(userAgent)
        ? "Firefox does not have WebGPU on this system yet: open this page in Chrome or Edge."
        : "Update Firefox, or look whether dom.webgpu.enabled is on in about:config.",
    );
  } else if (chromium) {
    hints.push("Turn on graphics acceleration under Settings → System, then restart the browser.");
    if (linux) hints.push("On Linux, Chrome may also need chrome://flags/#enable-unsafe-webgpu and #enable-vulkan set to Enabled.");
    hints.push("Look at chrome://gpu: the line WebGPU says whether it is on, and why not.");
    if (code === "no-adapter") hints.push("Update the graphics driver; very old graphics chips are not supported.");
  }
  hints.push(code === "no-webgpu" ? `Or take another browser. ${NEWER}` : "Or try another browser or another device.");
  return hints;
}
