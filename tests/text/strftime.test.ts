import { expect, test } from "vitest";
import { strftime } from "../../src/text/strftime";

// Expected strings are those of Python's datetime.strftime in the C locale.
const MORNING = new Date(2024, 6, 6, 0, 5, 9);
const EVENING = new Date(2023, 11, 31, 13, 45, 0);

test.each([
  ["%d %b %Y", MORNING, "06 Jul 2024"],
  ["%-d %B %y", MORNING, "6 July 24"],
  ["%A, %a", MORNING, "Saturday, Sat"],
  ["%I:%M:%S %p", MORNING, "12:05:09 AM"],
  ["%-I %p, day %j", MORNING, "12 AM, day 188"],
  ["%F %T", EVENING, "2023-12-31 13:45:00"],
  ["%I %p %j %-m", EVENING, "01 PM 365 12"],
  ["100%% %Q %", EVENING, "100% %Q %"],
])("%s", (format, date, expected) => {
  expect(strftime(date, format)).toBe(expected);
});
