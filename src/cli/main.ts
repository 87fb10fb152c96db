// The command line's entry: ties commands to this process.
import { run } from "./run";

const interrupt = new AbortController();
// The first Ctrl+C lets the command end by itself; the second, with nobody listening any more, ends the process.
process.once("SIGINT", () => interrupt.abort());
// Nobody reads stdout any more: `head`, for one, leaves when it has enough.
process.stdout.on("error", () => interrupt.abort());

let shown = false;
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => new Promise((resolve) => process.stdout.write(text, () => resolve())),
  note: (line) => process.stderr.write(`${line}\n`),
  progress(line) {
    if (!process.stderr.isTTY || (line === null && !shown)) return;
    shown = line !== null;
    process.stderr.write(`\r\x1b[K${line ?? ""}`);
  },
  signal: interrupt.signal,
});
