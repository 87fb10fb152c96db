import { expect, test } from "vitest";
import { addUp, checkTally, lastLine, readPlaywright, readVitest, runnerTally } from "../../tools/lib/reports.mjs";

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((one) => ({ status: one })) });

test("the last line names skipped tests only where there are any", () => {
  expect(lastLine({ passed: 12, failed: 0, skipped: 0 })).toBe("12 passed, 0 failed");
  expect(lastLine({ passed: 12, failed: 1, skipped: 3 })).toBe("12 passed, 1 failed, 3 skipped");
});

test("a check counts as one", () => {
  expect(checkTally(0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect(checkTally(2)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("Vitest: tests are counted by what became of them", () => {
  const text = JSON.stringify({
    testResults: [file("passed", "passed", "passed", "skipped"), file("failed", "passed", "failed", "todo", "pending")],
  });
  expect(readVitest(text)).toEqual({ passed: 3, failed: 1, skipped: 3 });
});

test("Vitest: a file that cannot be loaded has no tests, and is a failure all the same", () => {
  expect(readVitest(JSON.stringify({ testResults: [file("failed"), file("passed", "passed")] }))).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

test("Vitest: a file whose set-up fails skips its tests, and is a failure all the same", () => {
  expect(readVitest(JSON.stringify({ testResults: [file("failed", "skipped", "skipped")] }))).toEqual({ passed: 0, failed: 1, skipped: 2 });
});

test("Playwright: flaky tests passed in the end; errors outside tests are failures", () => {
  const stats = { expected: 5, unexpected: 1, flaky: 2, skipped: 3 };
  expect(readPlaywright(JSON.stringify({ stats, errors: [{ message: "the server did not start" }] }))).toEqual({
    passed: 7,
    failed: 2,
    skipped: 3,
  });
});

test.each(["", "{", "null", "[]", "{}", "7"])("a report that is %j is no report", (text) => {
  expect(readVitest(text)).toBeNull();
  expect(readPlaywright(text)).toBeNull();
});

test("a runner without a report, one that crashed after its report, and one that ran nothing have failed", () => {
  expect(runnerTally(null, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(runnerTally({ passed: 4, failed: 0, skipped: 0 }, 1)).toEqual({ passed: 4, failed: 1, skipped: 0 });
  expect(runnerTally({ passed: 0, failed: 0, skipped: 2 }, 0)).toEqual({ passed: 0, failed: 1, skipped: 2 });
});

test("failed tests are not counted twice because the runner also exits with 1", () => {
  expect(runnerTally({ passed: 4, failed: 2, skipped: 0 }, 1)).toEqual({ passed: 4, failed: 2, skipped: 0 });
});

test("tallies add up", () => {
  const tallies = [
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 10, failed: 2, skipped: 4 },
  ];
  expect(addUp(tallies)).toEqual({ passed: 11, failed: 2, skipped: 4 });
  expect(addUp([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
