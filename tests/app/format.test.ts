import { expect, test } from "vitest";
import { isWebAddress } from "../../src/app/components/Markdown";
import { formatBytes, formatMs, formatParameters, formatProgress, formatRate } from "../../src/app/format";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [8_900_000, "8.9 MB"],
  [1_234_000_000, "1.23 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("times, rates and sizes read well", () => {
  expect(formatMs(48.4)).toBe("48 ms");
  expect(formatMs(1449)).toBe("1.4 s");
  expect(formatRate(3.27)).toBe("3.3 tokens/s");
  expect(formatRate(41.5)).toBe("42 tokens/s");
  expect(formatParameters(8_100_000)).toBe("8.1M parameters");
  expect(formatParameters(1_240_000_000)).toBe("1.2B parameters");
});

test("progress never shows more than 100 % and does without a total", () => {
  expect(formatProgress({ phase: "download", done: 3, total: 4 })).toBe("Downloading 75 %");
  expect(formatProgress({ phase: "download", done: 5, total: 4 })).toBe("Downloading 100 %");
  expect(formatProgress({ phase: "compile", done: 0, total: 0 })).toBe("Preparing your GPU");
  expect(formatProgress(null)).toBe("Preparing");
});

test.each([
  ["https://example.org/a?b", true],
  ["http://example.org", true],
  ["javascript:alert(1)", false],
  [" JavaScript:alert(1)", false],
  ["data:text/html,x", false],
  ["file:///etc/passwd", false],
  ["/relative", false],
  ["//example.org", false],
  ["#anchor", false],
])("the address %s may be a link: %s", (href, allowed) => {
  expect(isWebAddress(href)).toBe(allowed);
});
