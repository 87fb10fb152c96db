// What is asked of values that come from a stranger's file.

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** True for a relative path with forward slashes that stays inside its folder; paths inside a model's files come from strangers. */
export function isSafePath(path: unknown): path is string {
  return (
    typeof path === "string" &&
    path.length <= 256 &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..") &&
    !/[\\:\0]/.test(path)
  );
}
