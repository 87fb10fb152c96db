// Bundles the command line: the same engine, with its shaders and all packages inside, for Node on any machine. `webgpu` stays outside because
// it carries a native binary.
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  ssr: { noExternal: true, external: ["webgpu"] },
  build: {
    ssr: "src/cli/main.ts",
    outDir: "dist-cli",
    target: "node20",
    emptyOutDir: true,
    rolldownOptions: { external: ["webgpu"], output: { entryFileNames: "gyre.js" } },
  },
});
