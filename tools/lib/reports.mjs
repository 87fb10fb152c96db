// @ts-check
// Adds up what several test runners and checks report, so that one last line says it all.

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/**
 * What a check without tests of its own (a compiler, a linter, a build) counts as.
 * @param {number} code its exit code
 * @returns {Tally}
 */
export function checkTally(code) {
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

/**
 * What a test runner's run counts as. A runner that ended badly without naming a failed test (a crash, an unhandled error, no tests at all) counts as one failure.
 * @param {Tally | null} report null where it wrote none that can be read
 * @param {number} code its exit code
 * @returns {Tally}
 */
export function runnerTally(report, code) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const nothingRan = report.passed + report.failed === 0;
  const hidden = report.failed === 0 && (code !== 0 || nothingRan) ? 1 : 0;
  return { ...report, failed: report.failed + hidden };
}

/**
 * Vitest's JSON report. A file that could not be loaded has no tests in it and counts as one failure.
 * @param {string} text
 * @returns {Tally | null}
 */
export function readVitest(text) {
  /** @type {{ testResults?: { status: string, assertionResults: { status: string }[] }[] } | null} */
  const report = parse(text);
  if (!Array.isArray(report?.testResults)) return null;
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    const failedBefore = tally.failed;
    for (const test of file.assertionResults) {
      if (test.status === "passed") tally.passed += 1;
      else if (test.status === "failed") tally.failed += 1;
      else tally.skipped += 1;
    }
    if (file.status === "failed" && tally.failed === failedBefore) tally.failed += 1;
  }
  return tally;
}

/**
 * Playwright's JSON report. A flaky test passed in the end; an error outside any test (a server that did not start) counts as a failure.
 * @param {string} text
 * @returns {Tally | null}
 */
export function readPlaywright(text) {
  /** @type {{ stats?: { expected: number, unexpected: number, flaky: number, skipped: number }, errors?: unknown[] } | null} */
  const report = parse(text);
  if (report?.stats === undefined) return null;
  const { expected, flaky, skipped, unexpected } = report.stats;
  return { passed: expected + flaky, failed: unexpected + (report.errors?.length ?? 0), skipped };
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {readonly Tally[]} tallies
 * @returns {Tally}
 */
export function addUp(tallies) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { failed, passed, skipped } of tallies) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

/** @param {Tally} tally */
export function lastLine({ failed, passed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
