// The built command line as a process of its own. Loading a model takes long on a software adapter, so each run shows several things.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { logSumExp } from "../../src/cli/score";
import { widen } from "../../src/quantize/floats";
import type { SpeculationStats } from "../../src/speculate/stats";
import { loadTokenizer } from "../../src/text/tokenizer";
import { readHeader } from "../../src/weights/safetensors";
import { ensureBuilt } from "../../tools/lib/build.mjs";

const root = join(import.meta.dirname, "../..");
const fixtures = join(root, "tests/golden/fixtures");
const stories = join(fixtures, "stories260k");
const tiny = join(fixtures, "llama-untied-f32");
const story = ["generate", "--model", stories, "--precision", "full", "--prompt", "Once upon a time"];

let folder = "";
beforeAll(async () => {
  await ensureBuilt("cli", "stderr");
  folder = await mkdtemp(join(tmpdir(), "gyre-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null; // null: a signal ended it
  readonly stdout: string;
  readonly stderr: string;
}

/** With `interrupt`, Ctrl+C is pressed as soon as something is written. */
function gyre(args: readonly string[], { interrupt = false } = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [join(root, "dist-cli/gyre.js"), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let interrupted = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (interrupt && !interrupted) interrupted = child.kill("SIGINT");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

async function tensor(path: string, name: string) {
  const source = new FolderSource(join(path, ".."));
  const file = path.slice(path.lastIndexOf("/") + 1);
  const info = (await readHeader(source, file)).tensors.get(name);
  if (!info) throw new Error(`${path} has no ${name}`);
  return { shape: info.shape, bytes: await source.read(file, info.begin, info.end) };
}

test("convert writes a package, and generate speaks from it", async () => {
  const out = join(folder, "package");
  const converted = await gyre(["convert", "--model", stories, "--precision", "w8a8", "--out", out]);
  expect(converted).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(converted.stdout)).toMatchObject({ out, name: "stories260k", family: "llama", precision: "w8a8", parameters: 260_032 });
  expect((await stat(join(out, "model.safetensors"))).size).toBeLessThan(300_000);
  expect(await readFile(join(out, "tokenizer.json"))).toEqual(await readFile(join(stories, "tokenizer.json")));

  const full = await gyre(["generate", "--model", out, "--tokens", "1", "--precision", "full"]);
  expect(full).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^gyre: [^\n]*another precision needs the original model\.\n$/),
  });

  const { code, stdout, stderr } = await gyre(["generate", "--model", out, "--prompt", "Once upon a time", "--max-tokens", "12", "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const reply = JSON.parse(stdout) as { tokens: readonly number[]; text: string };
  const tokenizer = await loadTokenizer(new FolderSource(stories));
  const whole = tokenizer.decode([...tokenizer.encode("Once upon a time", { special: true }), ...reply.tokens], { skipSpecial: true });
  expect(reply.tokens.length).toBe(12);
  expect(whole).toBe(`Once upon a time${reply.text}`);
  expect(reply).toEqual({
    tokens: expect.any(Array),
    text: expect.stringMatching(/^, there was a little girl/),
    stats: {
      loadMs: expect.any(Number),
      firstTokenMs: expect.any(Number),
      prefillTokensPerSecond: expect.any(Number),
      decodeTokensPerSecond: expect.any(Number),
      promptTokens: 5,
      newTokens: 12,
      passes: expect.any(Number),
      tokensPerPass: expect.any(Number),
      weightBytes: expect.any(Number),
      cacheBytes: expect.any(Number),
      scratchBytes: expect.any(Number),
      adapter: expect.stringMatching(/./),
      precision: "w8a8",
      reason: "length",
      speculation: expect.objectContaining({ rounds: expect.any(Number), proposed: expect.any(Number), accepted: expect.any(Number) }),
    },
  });
});

test("a smaller model drafts, one with another tokenizer is refused", async () => {
  const generate = (drafter: string) => gyre([...story, "--max-tokens", "14", "--json", "--speculate", `draft:${drafter},tree:4`]);
  const { stdout } = await generate(join(folder, "package")); // the same model in INT8, from the test above
  const { text, stats } = JSON.parse(stdout) as { text: string; stats: { passes: number; speculation: SpeculationStats } };
  expect(text).toMatch(/^, there was a little girl/);
  expect(stats.passes).toBeLessThan(10);
  expect(stats.speculation.byDrafter.draft?.accepted).toBeGreaterThan(5);
  expect(await generate(tiny)).toMatchObject({ code: 1, stderr: expect.stringMatching(/another tokenizer/) });
});

test("text comes as it is written, and Ctrl+C ends it cleanly", async () => {
  const args = [...story, "--max-tokens", "480", "--ignore-eos"];
  const { code, stdout, stderr } = await gyre(args, { interrupt: true });
  expect(code).toBe(130);
  expect(stdout.endsWith("\n")).toBe(true);
  const golden = JSON.parse(readFileSync(join(stories, "golden.json"), "utf8")) as { cases: readonly { greedy_text: string }[] };
  const text = golden.cases[0]!.greedy_text;
  expect(`Once upon a time${stdout.trimEnd()}`).toBe(text.slice(0, 16 + stdout.trimEnd().length));
  expect(Number(/^(\d+) tokens in /.exec(stderr)?.[1])).toBeLessThan(100);
});

test("logits: the golden ones, with equal bits however many rows a pass, and perplexity agrees with them", async () => {
  const golden = await tensor(join(tiny, "golden.safetensors"), "logits");
  const tokens = [...new Int32Array((await tensor(join(tiny, "golden.safetensors"), "tokens")).bytes.buffer)];
  const files = [1, 16].map((rows) => join(folder, `rows-${rows}.safetensors`));
  for (const [i, rows] of [1, 16].entries()) {
    const args = [
      "logits",
      "--model",
      tiny,
      "--tokens",
      tokens.join(","),
      "--precision",
      "full",
      "--rows",
      String(rows),
      "--out",
      files[i]!,
    ];
    const { code, stdout, stderr } = await gyre(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ tokens: tokens.length, vocabulary: 97, rows, precision: "full", file: files[i] });
  }
  expect(await readFile(files[0]!)).toEqual(await readFile(files[1]!));

  const written = await tensor(files[0]!, "logits");
  expect(written.shape).toEqual([tokens.length, 97]);
  const [actual, expected] = [widen(written.bytes, "F32"), widen(golden.bytes, "F32")];
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
  expect(worst).toBeLessThanOrEqual(1e-3 * largest);

  await writeFile(join(folder, "tokens.json"), JSON.stringify({ tokens }));
  const args = [
    "perplexity",
    "--model",
    tiny,
    "--tokens-file",
    join(folder, "tokens.json"),
    "--precision",
    "w8a8",
    "--against",
    "full",
    "--json",
  ];
  const { code, stdout, stderr } = await gyre(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const figures = JSON.parse(stdout) as Record<string, number>;
  const nats = tokens.slice(1).map((token, i) => {
    const row = actual.subarray(i * 97, (i + 1) * 97);
    return logSumExp(row) - row[token]!;
  });
  expect(figures).toMatchObject({ tokens: tokens.length, scoredTokens: tokens.length - 1, precision: "w8a8", against: "full" });
  expect(figures["fullNatsPerToken"]).toBeCloseTo(nats.reduce((a, b) => a + b, 0) / nats.length, 9);
  expect(figures["perplexity"]).toBeCloseTo(Math.exp(figures["natsPerToken"]!), 9);
  expect(figures["klDivergence"]).toBeGreaterThan(0);
  expect(figures["klDivergence"]).toBeLessThan(0.01);
  expect(figures["top1Agreement"]).toBeGreaterThan(0.9);
  expect(figures).not.toHaveProperty("bitsPerByte");
});

test("perplexity of a text longer than the context, in windows; tokens outside the vocabulary are refused in one line", async () => {
  const text = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";
  await writeFile(join(folder, "text"), text);
  const { code, stdout, stderr } = await gyre([
    "perplexity",
    "--model",
    stories,
    "--text",
    join(folder, "text"),
    "--context",
    "16",
    "--precision",
    "full",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const figures = Object.fromEntries(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ (.*)/s)),
  );
  expect(figures).toMatchObject({ bytes: String(text.length), contextLength: "16", precision: "full" });
  expect(figures["scoredTokens"]).toBe(figures["tokens"]);
  expect(Number(figures["bitsPerByte"])).toBeCloseTo(
    (Number(figures["natsPerToken"]) * Number(figures["tokens"])) / text.length / Math.LN2,
    9,
  );
  // A story such as it was trained on: below a nat and a half even with windows of fifteen tokens.
  expect(Number(figures["natsPerToken"])).toBeLessThan(1.5);

  const wrong = await gyre(["generate", "--model", tiny, "--tokens", "1,97"]);
  expect(wrong).toEqual({ code: 1, stdout: "", stderr: "gyre: The token 97 is not in the vocabulary of 97.\n" });
});
