// @ts-check
// `npm test`: everything that must hold, from a bare clone; the last line adds it all up. `npm test -- --only unit,gpu` runs a part of it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { adapterEnvironment } from "./lib/adapter.mjs";
import { needBrowser } from "./lib/browser.mjs";
import { build, ensureBuilt } from "./lib/build.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { bin, Failure, main, requireNode, runNode } from "./lib/project.mjs";
import { addUp, checkTally, lastLine, readPlaywright, readVitest, runnerTally } from "./lib/reports.mjs";

/** @typedef {import("./lib/reports.mjs").Tally} Tally */
/** @typedef {{ part: string, name: string, run: () => Promise<Tally> }} Step */

const CHECK_TIMEOUT_MS = 180_000;
const RUNNER_TIMEOUT_MS = 1_800_000; // against a runner that hangs; each test has a limit of its own

const reports = mkdtempSync(join(tmpdir(), "gyre-test-"));
let browser = "";

/** @type {readonly Step[]} */
const STEPS = [
  check("types", "types: app", "typescript", "tsc", ["-p", "tsconfig.app.json"]),
  check("types", "types: worker", "typescript", "tsc", ["-p", "tsconfig.worker.json"]),
  check("types", "types: node", "typescript", "tsc", ["-p", "tsconfig.node.json"]),
  check("lint", "lint: oxlint", "oxlint", "oxlint", ["--type-aware", "--deny-warnings"]),
  check("lint", "lint: biome", "@biomejs/biome", "biome", ["check", "--error-on-warnings"]),
  check("lint", "lint: knip", "knip", "knip", []),
  { part: "build", name: "build: app", run: async () => checkTally((await build("app")) ? 0 : 1) },
  { part: "build", name: "build: command line", run: async () => checkTally((await build("cli")) ? 0 : 1) },
  vitest("unit", "unit tests"),
  vitest("gpu", "kernel, engine and golden tests"),
  vitest("dist", "tests of what was built"),
  { part: "e2e", name: "end-to-end tests", run: playwright },
];
const PARTS = [...new Set(STEPS.map((step) => step.part))];

await main(async () => {
  try {
    return await test();
  } catch (error) {
    // Whatever stood in the way, the last line keeps its form.
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    console.log(lastLine({ passed: 0, failed: 1, skipped: 0 }));
    return 1;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
});

/** @returns {Promise<number>} */
async function test() {
  requireNode();
  const steps = chosenSteps();
  await ensureInstalled();
  browser = await needBrowser();
  console.log(`Browser: ${browser}`);
  /** @type {{ name: string, tally: Tally, seconds: number }[]} */
  const results = [];
  for (const step of steps) {
    console.log(`\n── ${step.name}`);
    const start = performance.now();
    const tally = await step.run();
    const seconds = (performance.now() - start) / 1000;
    results.push({ name: step.name, tally, seconds });
    console.log(`${tally.failed === 0 ? "✓" : "✗"} ${step.name}: ${lastLine(tally)} (${seconds.toFixed(1)} s)`);
  }
  const sum = addUp(results.map((result) => result.tally));
  console.log("");
  for (const { name, seconds, tally } of results) {
    console.log(`${tally.failed === 0 ? "✓" : "✗"} ${name.padEnd(34)}${seconds.toFixed(1).padStart(7)} s   ${lastLine(tally)}`);
  }
  console.log(`\n${lastLine(sum)}`);
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

function chosenSteps() {
  const only = readOnly();
  if (only === undefined) return STEPS;
  const parts = only.split(",");
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new Failure(`There is no part called "${unknown}". Parts: ${PARTS.join(", ")}.`);
  return STEPS.filter((step) => parts.includes(step.part));
}

function readOnly() {
  try {
    return parseArgs({ options: { only: { type: "string" } } }).values.only;
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : String(error)} Usage: npm test -- [--only ${PARTS.join(",")}]`);
  }
}

/**
 * @param {string} part
 * @param {string} name
 * @param {string} packageName
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Step}
 */
function check(part, name, packageName, command, args) {
  const run = async () => checkTally((await runNode(bin(packageName, command), args, { timeoutMs: CHECK_TIMEOUT_MS })).code);
  return { part, name, run };
}

/**
 * @param {string} project one of vitest.config.ts
 * @param {string} name
 * @returns {Step}
 */
function vitest(project, name) {
  const run = async () => {
    // Built things are tested: after a selection that leaves the build out they must still be there and be today's.
    if (project === "dist" && !(await built())) return checkTally(1);
    const file = join(reports, `${project}.json`);
    const args = ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    return runner(bin("vitest"), args, file, readVitest, adapterEnvironment("software"));
  };
  return { part: project, name, run };
}

async function playwright() {
  if (!(await built())) return checkTally(1);
  const file = join(reports, "e2e.json");
  return runner(bin("@playwright/test", "playwright"), ["test", "--reporter=list,json"], file, readPlaywright, {
    GYRE_CHROMIUM: browser,
    GYRE_E2E_PORT: String(await freePort()),
    PLAYWRIGHT_JSON_OUTPUT_FILE: file,
  });
}

/** A port that nobody listens on, so that the tests never meet another checkout's server. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "localhost", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function built() {
  try {
    await ensureBuilt("app");
    await ensureBuilt("cli");
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    return false;
  }
}

/**
 * @param {string} script
 * @param {readonly string[]} args
 * @param {string} report the file that the runner writes
 * @param {(text: string) => Tally | null} read
 * @param {Record<string, string>} env
 */
async function runner(script, args, report, read, env) {
  const { code, timedOut } = await runNode(script, args, { env: { ...process.env, ...env }, timeoutMs: RUNNER_TIMEOUT_MS });
  if (timedOut) console.error(`It was stopped after ${RUNNER_TIMEOUT_MS / 60_000} minutes.`);
  return runnerTally(existsSync(report) ? read(readFileSync(report, "utf8")) : null, code);
}
