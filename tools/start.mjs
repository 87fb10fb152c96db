// @ts-check
// `npm start`: installs, builds and serves the app, and opens it in the browser where there is one.
import { parseArgs } from "node:util";
import { ensureBuilt } from "./lib/build.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { Failure, main, ROOT, requireNode } from "./lib/project.mjs";

const DEFAULT_PORT = 4173;
const USAGE = "npm start -- [--no-open] [--port N]";

await main(async () => {
  requireNode();
  const { open, port } = readArguments();
  await ensureInstalled();
  await ensureBuilt("app");
  // Imported only now: before the installation it is not there.
  const { preview } = await import("vite");
  const server = await preview({
    root: ROOT,
    appType: "mpa", // a file that is not there is a 404, not the page
    logLevel: "warn",
    preview: { host: "localhost", port, strictPort: false, open: open && hasDesktop() },
  });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Failure("The server did not start.");
  console.log(`\n  Gyre is at ${url}\n  Ctrl+C stops this server. The app itself works on without it after the first visit.\n`);
  if (!url.includes(`:${port}`)) {
    console.log(
      `  Port ${port} was taken. A browser keeps each address's data apart: conversations held at the other port are not shown here.\n`,
    );
  }
});

function readArguments() {
  try {
    const { values } = parseArgs({
      options: { open: { type: "boolean", default: true }, port: { type: "string", default: String(DEFAULT_PORT) } },
      allowNegative: true,
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Failure(`--port takes a number from 1 to 65535. Usage: ${USAGE}`);
    return { open: values.open, port };
  } catch (error) {
    if (error instanceof TypeError) throw new Failure(`${error.message} Usage: ${USAGE}`);
    throw error;
  }
}

// A server, a container or an SSH session has nothing to open a page in.
function hasDesktop() {
  if (process.env["CI"] !== undefined || process.env["SSH_CONNECTION"] !== undefined) return false;
  if (process.platform === "darwin" || process.platform === "win32") return true;
  return process.env["DISPLAY"] !== undefined || process.env["WAYLAND_DISPLAY"] !== undefined;
}
