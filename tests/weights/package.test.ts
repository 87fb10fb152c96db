import { expect, test } from "vitest";
import { chunkSpan, packageBytes, parseManifest, sha256, versionOf } from "../../src/weights/package";

const HASH = "0123456789abcdef".repeat(4);
const GOOD = {
  format: "gyre",
  version: 1,
  name: "Demo",
  family: "lfm2",
  precision: "w8a8",
  parameters: 8_000_000,
  rotation: { signs: "fmix32", maxBlock: 1024 },
  chunkBytes: 100,
  files: [
    { path: "config.json", bytes: 0, chunks: [] },
    { path: "a/model.safetensors", bytes: 250, chunks: [HASH, HASH, HASH] },
  ],
} as const;

test("a sound manifest comes through whole, unknown fields left out", () => {
  expect(parseManifest({ ...GOOD, later: 1 })).toEqual(GOOD);
  expect(parseManifest({ ...GOOD, rotation: null, precision: "full" })).toMatchObject({ rotation: null, precision: "full" });
  expect(packageBytes(parseManifest(GOOD))).toBe(250);
});

test("chunk spans cover the file", () => {
  const manifest = parseManifest(GOOD);
  expect([0, 1, 2].map((index) => chunkSpan(manifest, manifest.files[1]!, index))).toEqual([
    { start: 0, end: 100 },
    { start: 100, end: 200 },
    { start: 200, end: 250 },
  ]);
});

const file = (change: object) => ({ files: [{ ...GOOD.files[1], ...change }] });
test.each<[string, object]>([
  ["another format", { format: "zip" }],
  ["no name", { name: "" }],
  ["no family", { family: 3 }],
  ["an unknown precision", { precision: "w2a2" }],
  ["a fractional count of parameters", { parameters: 1.5 }],
  ["no rotation field", { rotation: undefined }],
  ["unknown signs", { rotation: { ...GOOD.rotation, signs: "xorshift" } }],
  ["a block that is no power of two", { rotation: { ...GOOD.rotation, maxBlock: 96 } }],
  ["chunks of no bytes", { chunkBytes: 0 }],
  ["chunks of 1 GB", { chunkBytes: 1e9 }],
  ["files that are no list", { files: {} }],
  ["a file outside the folder", file({ path: "../x" })],
  ["an absolute path", file({ path: "/x" })],
  ["gyre.json in its own list", file({ path: "gyre.json" })],
  ["a file without a size", file({ bytes: "250" })],
  ["a hash too few", file({ chunks: [HASH, HASH] })],
  ["a hash in capitals", file({ chunks: [HASH, HASH, HASH.toUpperCase()] })],
  ["a file listed twice", { files: [GOOD.files[1], GOOD.files[1]] }],
])("%s is refused as damage to gyre.json", (_, change) => {
  expect(() => parseManifest({ ...GOOD, ...change })).toThrow(
    expect.objectContaining({ code: "model-damaged", message: expect.stringContaining("gyre.json") }),
  );
});

test("version 2 has W4A8 too, and a package says the oldest version that can say it", () => {
  const int4 = { ...GOOD, version: 2, precision: "w4a8" } as const;
  expect(parseManifest(int4)).toEqual(int4);
  expect(() => parseManifest({ ...int4, version: 1 })).toThrow(expect.objectContaining({ code: "model-damaged" }));
  expect([parseManifest(GOOD), parseManifest({ ...GOOD, precision: "full" }), parseManifest(int4)].map(versionOf)).toEqual([1, 1, 2]);
});

test("a later version is refused as unsupported", () => {
  expect(() => parseManifest({ ...GOOD, version: 3 })).toThrow(expect.objectContaining({ code: "model-unsupported" }));
});

test("sha256 is the published one", async () => {
  expect(await sha256(new TextEncoder().encode("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
