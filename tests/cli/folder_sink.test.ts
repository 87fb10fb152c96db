import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderSink } from "../../src/cli/folder_sink";
import { PackageWriter } from "../../src/weights/package_writer";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-"));
});
afterEach(() => rm(folder, { recursive: true }));

const info = { name: "n", family: "llama", precision: "full", parameters: 0, rotation: null } as const;

async function writePackage(to: string, files: readonly string[]): Promise<void> {
  const writer = new PackageWriter(await FolderSink.open(to), info, 4);
  for (const name of files) await writer.file(name, new TextEncoder().encode(`content of ${name}`));
  await writer.finish();
}

test("writes files of several chunks, in folders of their own", async () => {
  const out = join(folder, "new", "package");
  await writePackage(out, ["a", "sub/b"]);
  expect((await readdir(out)).toSorted()).toEqual(["a", "gyre.json", "sub"]);
  expect(await readFile(join(out, "sub/b"), "utf8")).toBe("content of sub/b");
});

test("replaces an older package and leaves other files alone", async () => {
  await writePackage(folder, ["a", "old"]);
  await writeFile(join(folder, "notes"), "mine");
  await writePackage(folder, ["a"]);
  expect((await readdir(folder)).toSorted()).toEqual(["a", "gyre.json", "notes"]);
});

test("does not write among files that are no package", async () => {
  await writeFile(join(folder, "config.json"), "{}");
  await expect(FolderSink.open(folder)).rejects.toMatchObject({ code: "bad-request", message: expect.stringContaining("neither empty") });
  await expect(FolderSink.open(join(folder, "config.json"))).rejects.toMatchObject({ code: "bad-request" });
  expect(await readdir(folder)).toEqual(["config.json"]);
});

test("after a failure nothing is left", async () => {
  const sink = await FolderSink.open(folder);
  await sink.write("a", 0, Uint8Array.of(1));
  await mkdir(join(folder, "b"));
  await expect(sink.write("b", 0, Uint8Array.of(1))).rejects.toMatchObject({
    code: "bad-request",
    message: expect.stringContaining("cannot be written"),
  });
  await rm(join(folder, "b"), { recursive: true });
  await sink.discard();
  expect(await readdir(folder)).toEqual([]);
});
