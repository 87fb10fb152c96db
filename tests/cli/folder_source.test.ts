import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-"));
  await writeFile(join(folder, "file"), Uint8Array.of(1, 2, 3, 4, 5));
});
afterAll(() => rm(folder, { recursive: true }));

test("reads sizes and ranges", async () => {
  const source = new FolderSource(folder);
  expect(await source.has("file")).toBe(true);
  expect(await source.has("none")).toBe(false);
  expect(await source.has("file/inside")).toBe(false);
  expect(await source.size("file")).toBe(5);
  expect([...(await source.read("file", 1, 4))]).toEqual([2, 3, 4]);
  expect(await source.read("file", 5, 5)).toHaveLength(0);
});

test("names what is missing: the file, or the folder", async () => {
  const source = new FolderSource(folder);
  await expect(source.size("none")).rejects.toMatchObject({ code: "model-missing", message: expect.stringContaining("none is missing") });
  await expect(source.read("none", 0, 1)).rejects.toMatchObject({ code: "model-missing" });
  await expect(new FolderSource(join(folder, "nowhere")).size("file")).rejects.toMatchObject({
    code: "model-missing",
    message: expect.stringContaining("There is no folder"),
  });
});

test("a file that ends too soon is damaged", async () => {
  await expect(new FolderSource(folder).read("file", 3, 9)).rejects.toMatchObject({
    code: "model-damaged",
    message: expect.stringContaining("file is damaged"),
  });
});

test("a folder in place of a file is reported, not read", async () => {
  const parent = new FolderSource(join(folder, ".."));
  const name = folder.split("/").at(-1) ?? "";
  await expect(parent.size(name)).rejects.toMatchObject({ code: "model-missing" });
  await expect(parent.read(name, 0, 1)).rejects.toMatchObject({ code: "model-missing" });
});
