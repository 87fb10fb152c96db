// The import rules of biome.json, held to the house's drawing: for each room something that it may and something that it may not import.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { bin, ROOT } from "../../tools/lib/project.mjs";

const CASES = [
  { room: "app/components", may: "../../protocol/client", mayNot: "../../engine/engine" },
  { room: "app/speculation", may: "../../speculate/gumbel", mayNot: "../../speculate/filters" },
  { room: "app", may: "../chats/store", mayNot: "../weights/store" },
  { room: "chats", may: "../protocol/messages", mayNot: "../app/context" },
  { room: "protocol", may: "./errors", mayNot: "../engine/engine" },
  { room: "worker", may: "../engine/engine", mayNot: "../app/context" },
  { room: "cli", may: "../engine/engine", mayNot: "../kernels/linear" },
  { room: "engine", may: "../models/registry", mayNot: "../worker/handlers" },
  { room: "speculate", may: "../protocol/errors", mayNot: "../gpu/device" },
  { room: "models", may: "../kernels/linear", mayNot: "../engine/engine" },
  { room: "kernels", may: "../../shaders/x.wgsl?raw", mayNot: "../models/registry" },
  { room: "gpu", may: "../protocol/errors", mayNot: "../kernels/linear" },
  { room: "quantize", may: "./signs", mayNot: "../gpu/device" },
  { room: "weights", may: "../quantize/floats", mayNot: "../models/registry" },
  { room: "text", may: "../weights/source", mayNot: "../weights/store" },
  { room: "pwa", may: "./register", mayNot: "../engine/engine" },
] as const;

test("each room may import what lies below it, and the linter names every other import", () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-layers-"));
  try {
    copyFileSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
    for (const { room, may, mayNot } of CASES) {
      write(join(folder, "src", room, "good.ts"), may);
      write(join(folder, "src", room, "bad.ts"), mayNot);
    }
    const args = [
      bin("@biomejs/biome", "biome"),
      "lint",
      "--only=style/noRestrictedImports",
      "--max-diagnostics=none",
      "--reporter=github",
      ".",
    ];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    const named = [...stdout.matchAll(/title=lint\/style\/noRestrictedImports,file=[^,]*?(src[^,]+)/g)].map((match) =>
      match[1]?.replaceAll("\\", "/"),
    );
    expect(new Set(named), stdout + stderr).toEqual(new Set(CASES.map(({ room }) => `src/${room}/bad.ts`)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function write(path: string, imported: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import { something } from "${imported}";\n\nexport const kept = something;\n`);
}
