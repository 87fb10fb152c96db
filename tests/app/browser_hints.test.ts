import { expect, test } from "vitest";
import { browserHints } from "../../src/app/browser_hints";

const AGENTS = {
  chromeLinux: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
  chromeAndroid: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
  firefoxLinux: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
  firefoxWindows: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0",
  safari: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
  chromeIphone:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150.0 Mobile/15E148 Safari/604.1",
};

test.each([
  ["chromeLinux", "enable-unsafe-webgpu"],
  ["chromeAndroid", "graphics acceleration"],
  ["firefoxLinux", "Chrome or Edge"],
  ["firefoxWindows", "about:config"],
  ["safari", "Safari has WebGPU since version 26"],
  ["chromeIphone", "Safari has WebGPU since version 26"],
] as const)("%s is told about %s", (agent, words) => {
  expect(browserHints("no-webgpu", { userAgent: AGENTS[agent], secure: true }).join("\n")).toContain(words);
});

test("only a desktop Linux is told about Linux", () => {
  expect(browserHints("no-adapter", { userAgent: AGENTS.chromeAndroid, secure: true }).join("\n")).not.toContain("Linux");
});

test("a page that is not secure is told so first", () => {
  expect(browserHints("no-webgpu", { userAgent: AGENTS.chromeLinux, secure: false })[0]).toContain("https");
});

test("an unknown browser still gets something to do", () => {
  expect(browserHints("no-webgpu", { userAgent: "", secure: true })).toHaveLength(1);
});
