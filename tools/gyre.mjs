// @ts-check
// `npm run --silent gyre -- COMMAND`: builds the command line where needed and runs it. Only its own output goes to stdout.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { adapterEnvironment } from "./lib/adapter.mjs";
import { ensureBuilt } from "./lib/build.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { main, ROOT, requireNode } from "./lib/project.mjs";

await main(async () => {
  requireNode();
  await ensureInstalled("stderr");
  await ensureBuilt("cli", "stderr");
  // npm runs scripts in the project's folder; paths in the arguments are meant from where the user stands.
  const { INIT_CWD: userFolder, npm_lifecycle_event: script } = process.env;
  const cwd = script === "gyre" && userFolder !== undefined ? userFolder : process.cwd();
  const child = spawn(process.execPath, [join(ROOT, "dist-cli", "gyre.js"), ...process.argv.slice(2)], {
    cwd,
    env: { ...process.env, ...adapterEnvironment("hardware") },
    stdio: "inherit",
  });
  // A terminal sends Ctrl+C to the child as well, which then ends as it sees fit; only a signal to this process alone has to be passed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
});
