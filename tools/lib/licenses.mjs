// @ts-check
// Names every package of which something is bundled, with its licence: in the page, in the worker, and in the service worker, which are three builds.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/; // the innermost one
const HELPER = /^\0(vite|rolldown)\//; // what the bundler puts in of its own

/**
 * `collect` makes the plugin of one build; `write`, a plugin of the page's, writes them all down when everything is built.
 * @param {string} fileName in the page's output folder
 */
export function licenses(fileName) {
  /** @type {Set<string>} */
  const folders = new Set();
  let output = "";
  /** @returns {import("vite").Plugin} */
  const collect = () => ({
    name: "gyre-licenses-collect",
    apply: "build",
    generateBundle(_, bundle) {
      for (const part of Object.values(bundle)) {
        if (part.type !== "chunk") continue;
        for (const [id, { code }] of Object.entries(part.modules)) {
          const helper = HELPER.exec(id)?.[1];
          const folder = helper === undefined ? PACKAGE.exec(id)?.[1] : join("node_modules", helper);
          if (folder !== undefined && code) folders.add(folder);
        }
      }
    },
  });
  /** @type {import("vite").Plugin} */
  const write = {
    name: "gyre-licenses-write",
    apply: "build",
    configResolved(config) {
      output = join(config.root, config.build.outDir, fileName);
    },
    closeBundle: {
      order: "post", // after the service worker is built
      sequential: true,
      async handler() {
        const sections = await Promise.all([...folders].map(describe));
        const unique = [...new Set(sections)].toSorted();
        await writeFile(output, `# Licences of what is bundled\n\n${unique.join("\n")}`);
      },
    },
  };
  return { collect, write };
}

/**
 * One section. Throws where a package has no licence to show.
 * @param {string} folder
 */
async function describe(folder) {
  /** @type {{ name: string, version: string, license?: string }} */
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (license === undefined || file === undefined) throw new Error(`${name} comes without a licence.`);
  const [own = ""] = (await readFile(join(folder, file), "utf8")).split(/^# Licenses of bundled dependencies/m); // in Vite itself, not in what it puts in
  return `## ${name} ${version} (${license})\n\n\`\`\`\n${own.trim()}\n\`\`\`\n`;
}
