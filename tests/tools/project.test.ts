import { expect, test } from "vitest";
import { requireNode, run } from "../../tools/lib/project.mjs";

test.each(["20.19.0", "20.20.2", "22.0.0", "100.1.0"])("Node %s will do", (version) => {
  expect(() => requireNode(version, "20.19")).not.toThrow();
});

test.each(["20.18.9", "18.20.0", "9.99.0"])("Node %s is too old, and the message names both versions", (version) => {
  expect(() => requireNode(version, "20.19")).toThrow(new RegExp(`20\\.19.*${version.replaceAll(".", "\\.")}`));
});

test("a command's exit code comes back; one that cannot be started has 127", async () => {
  expect(await run(process.execPath, ["-e", "process.exit(3)"])).toEqual({ code: 3, timedOut: false });
  expect(await run("/nowhere/no-such-command", [])).toEqual({ code: 127, timedOut: false });
});

test("a command past its time is stopped, with what it had started", async () => {
  // The grandchild holds the output open: the run would not end while it lives.
  const script = `require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "inherit" }); setTimeout(() => {}, 60000);`;
  const start = performance.now();
  const { timedOut, code } = await run(process.execPath, ["-e", script], { timeoutMs: 700 });
  expect({ timedOut, failed: code !== 0 }).toEqual({ timedOut: true, failed: true });
  expect(performance.now() - start).toBeLessThan(20_000);
});
