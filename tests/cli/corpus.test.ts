import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readText, readTokens, windowsOf } from "../../src/cli/corpus";
import { FolderSource } from "../../src/cli/folder_source";

const stories = new FolderSource(join(import.meta.dirname, "../golden/fixtures/stories260k"));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

test("windows share nothing, fill the context, and begin as the text does", () => {
  const tokens = [1, 2, 3, 4, 5, 6, 7];
  expect([...windowsOf({ tokens, begin: [], bytes: null }, 3)]).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect([...windowsOf({ tokens, begin: [0], bytes: null }, 4)]).toEqual([
    [0, 1, 2, 3],
    [0, 4, 5, 6],
    [0, 7],
  ]);
});

test("a text is encoded without special tokens, and its bytes counted", async () => {
  const corpus = await readText(await file("text", "Once upon a time é"), stories);
  expect(corpus.begin).toEqual([1]);
  expect(corpus.tokens.slice(0, 4)).toEqual([403, 407, 261, 378]);
  expect(corpus.bytes).toBe(19);
});

test("ids are taken as they are, from a list or an object", async () => {
  expect(await readTokens(await file("a.json", "[1, 2, 3]"))).toEqual({ tokens: [1, 2, 3], begin: [], bytes: null });
  expect(await readTokens(await file("b.json", '{"tokens": [4]}'))).toMatchObject({ tokens: [4] });
});

test("names the file that cannot be used", async () => {
  const refuses = (work: Promise<unknown>, message: string) =>
    expect(work).rejects.toMatchObject({ code: "bad-request", message: expect.stringContaining(message) });
  await refuses(readText(join(folder, "none"), stories), "none cannot be read");
  await refuses(readText(await file("latin", Uint8Array.of(0xe9, 0x20)), stories), "latin is not UTF-8");
  await refuses(readTokens(join(folder, "none.json")), "none.json cannot be read");
  await refuses(readTokens(await file("c.json", "[1, 2")), "c.json is not JSON");
  for (const content of ["[1, -2]", "[1.5]", '["1"]', "{}", "3", "null"]) {
    await refuses(readTokens(await file("d.json", content)), "d.json has no list of token ids");
  }
});
