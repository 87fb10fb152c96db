import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import { licenses } from "./tools/lib/licenses.mjs";

/** What is bundled asks to be named. */
const { collect: collectLicenses, write: writeLicenses } = licenses("licenses.md");

const POLICY_TAG = /<meta\s+http-equiv="Content-Security-Policy"\s+content="([^"]*)"[^>]*>/;

/** The page's Content-Security-Policy, which a worker takes from no tag, only from the header of its own script. */
function policy(): string {
  const found = POLICY_TAG.exec(readFileSync(new URL("index.html", import.meta.url), "utf8"))?.[1];
  if (found === undefined) throw new Error("index.html has no Content-Security-Policy.");
  return found;
}

/** The development server injects an inline script, which the page's Content-Security-Policy rightly forbids; only there it is lifted. */
const developmentWithoutPolicy: Plugin = {
  name: "gyre-development-without-policy",
  apply: "serve",
  transformIndexHtml: (html) => html.replace(POLICY_TAG, ""),
};

/** Comments are half of what a visitor would download of the shaders. Lines stay where they are, for the sake of error messages. */
const shadersWithoutComments: Plugin = {
  name: "gyre-shaders-without-comments",
  apply: "build",
  enforce: "pre",
  async load(id) {
    const [path = "", query] = id.split("?");
    if (!path.endsWith(".wgsl") || query !== "raw") return null;
    const source = await readFile(path, "utf8");
    return `export default ${JSON.stringify(source.replace(/[ \t]*\/\/.*$/gm, "").replace(/^[ \t]+/gm, ""))};`;
  },
};

export default defineConfig({
  base: "./", // The app may be served from any folder.
  // The package names its build for ES5 first, which is twice as large.
  resolve: { alias: { "workbox-window": "workbox-window/build/workbox-window.prod.mjs" } },
  plugins: [
    react(),
    developmentWithoutPolicy,
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src/pwa",
      filename: "sw.ts",
      injectRegister: null,
      registerType: "prompt",
      injectManifest: {
        globPatterns: ["**/*.{html,js,css,svg,png}"],
        globIgnores: ["models/**"],
        buildPlugins: { vite: [collectLicenses()] },
      },
      manifest: {
        name: "Gyre",
        short_name: "Gyre",
        description: "A private chat that runs on your own GPU, in a browser tab.",
        start_url: "./",
        scope: "./",
        display: "standalone",
        background_color: "#f7f5f0",
        theme_color: "#f7f5f0",
        categories: ["productivity", "utilities"],
        icons: [
          { src: "icons/gyre-192.png", sizes: "192x192", type: "image/png" },
          { src: "icons/gyre-512.png", sizes: "512x512", type: "image/png" },
          { src: "icons/gyre-maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
          { src: "icons/gyre.svg", sizes: "any", type: "image/svg+xml" },
        ],
      },
    }),
    collectLicenses(),
    writeLicenses,
  ],
  preview: { headers: { "Content-Security-Policy": policy() } }, // for npm start as well
  worker: {
    format: "es",
    plugins: () => [shadersWithoutComments, collectLicenses()],
  },
  build: {
    target: ["chrome127", "edge127", "firefox141", "safari26"], // the first versions with WebGPU and all else that is used
    modulePreload: { polyfill: false },
  },
});
