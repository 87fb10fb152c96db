// Everything that goes wrong before a GPU is needed, and the help.
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { vocabularyOf } from "../../src/engine/vocabulary";
import { NgramTable } from "../../src/speculate/ngram";
import { loadTokenizer } from "../../src/text/tokenizer";
import { runRecorded } from "./recorded_terminal";

const fixtures = join(import.meta.dirname, "../golden/fixtures");
const model = join(fixtures, "llama-untied-f32"); // without a tokenizer
const stories = join(fixtures, "stories260k");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-"));
  await cp(model, join(folder, "cut"), { recursive: true });
  await truncate(join(folder, "cut", "model.safetensors"), 5000);
  await cp(model, join(folder, "config"), { recursive: true });
  await writeFile(join(folder, "config", "config.json"), "{");
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["no command", [], "There is no command. Try gyre --help."],
  ["an unknown command", ["sing"], 'no command "sing"'],
  ["an unknown option", ["generate", "--modle", "x"], "Unknown option '--modle'"],
  ["an option without its value", ["generate", "--model"], "--model"],
  ["no model", ["generate", "--prompt", "x"], "--model is missing"],
  ["a model that is not there", ["generate", "--model", "/no/where", "--tokens", "1"], "There is no folder /no/where"],
  ["neither prompt nor tokens", ["generate", "--model", model], "either --prompt or --tokens"],
  ["prompt and tokens", ["generate", "--model", model, "--prompt", "x", "--tokens", "1"], "either --prompt or --tokens"],
  ["a chat of tokens", ["generate", "--model", model, "--chat", "--tokens", "1"], "--chat needs a --prompt"],
  ["a prompt without a tokenizer", ["generate", "--model", model, "--prompt", "x"], "tokenizer.json is missing"],
  ["bad token ids", ["generate", "--model", model, "--tokens", "1,b"], 'not "b"'],
  ["a bad seed", ["generate", "--model", model, "--tokens", "1", "--seed", "x"], "--seed takes"],
  ["logits without a file", ["logits", "--model", model, "--tokens", "1"], "--out is missing"],
  ["no rows", ["logits", "--model", model, "--tokens", "1", "--out", "x", "--rows", "0"], "--rows takes"],
  ["nothing to score", ["perplexity", "--model", model], "either --text or --tokens-file"],
  ["another reference", ["perplexity", "--model", model, "--text", "x", "--against", "w8a8"], "--against takes only full"],
  ["nothing to learn from", ["ngram", "--model", model, "--out", "x"], "either --corpus or --replies"],
  ["too long a context", ["ngram", "--model", model, "--out", "x", "--corpus", "x", "--longest", "9"], "--longest takes 1 to 8"],
  ["no corpus", ["ngram", "--model", stories, "--out", "x", "--corpus", "/no/where"], "/no/where cannot be read"],
  ["a corpus that is none", ["ngram", "--model", stories, "--out", "x", "--corpus", join(stories, "config.json")], "no list of lists"],
  ["converting over the model", ["convert", "--model", model, "--out", model], "neither empty nor a Gyre package"],
])("%s: one line, and exit code 1", async (_, args, reason) => {
  const { code, stdout, notes } = await runRecorded(...args);
  expect({ code, stdout, lines: notes.length }).toEqual({ code: 1, stdout: "", lines: 1 });
  expect(notes[0]).toMatch(/^gyre: .+$/);
  expect(notes[0]).not.toContain("\n");
  expect(notes[0]).toContain(reason);
});

test("a damaged model: one line that names the file and the reason", async () => {
  const damaged = await runRecorded("generate", "--model", join(folder, "cut"), "--tokens", "1");
  expect(damaged).toMatchObject({ code: 1, stdout: "", notes: [expect.stringMatching(/^gyre: model\.safetensors is damaged: .+$/)] });
  const config = await runRecorded("logits", "--model", join(folder, "config"), "--tokens", "1", "--out", join(folder, "x"));
  expect(config).toMatchObject({
    code: 1,
    stdout: "",
    notes: [expect.stringMatching(/^gyre: config\.json is damaged: it is not JSON\. .+$/)],
  });
});

test("ngram writes a table of a corpus, within its bytes", async () => {
  await writeFile(join(folder, "corpus.json"), JSON.stringify(Array.from({ length: 20 }, (_, i) => [1, 2, 3, 4 + (i % 3), 5, 6])));
  const out = join(folder, "ngram.bin");
  const { code, stdout } = await runRecorded("ngram", "--model", stories, "--corpus", join(folder, "corpus.json"), "--out", out);
  expect(code).toBe(0);
  const source = new FolderSource(stories);
  const vocabulary = await vocabularyOf(source, await loadTokenizer(source));
  const bytes = new Uint8Array(await readFile(out)).buffer;
  const table = new NgramTable(bytes, vocabulary);
  expect(JSON.parse(stdout)).toEqual({ out, texts: 20, tokens: 120, contexts: table.contexts, bytes: bytes.byteLength });
  expect(table.candidates([1, 2])[0]).toMatchObject({ token: 3 });
});

test("a text of one token has nothing to score", async () => {
  await writeFile(join(folder, "one.json"), "[1]");
  const { code, notes } = await runRecorded("perplexity", "--model", model, "--tokens-file", join(folder, "one.json"));
  expect({ code, notes }).toEqual({ code: 1, notes: [expect.stringContaining("no token to score")] });
});

test("--help explains the whole, and each command with all its options", async () => {
  const all = await runRecorded("--help");
  expect(all).toMatchObject({ code: 0, notes: [] });
  for (const name of ["generate", "logits", "perplexity", "convert"]) {
    expect(all.stdout).toContain(`\n  ${name} `);
    const one = await runRecorded(name, "--help");
    expect(one).toMatchObject({ code: 0, notes: [] });
    expect(one.stdout).toContain(`Usage: gyre ${name} --model DIR`);
    expect(one.stdout).toContain("--precision");
  }
});
