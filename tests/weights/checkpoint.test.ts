import { expect, test } from "vitest";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { encodeHeader, type TensorSpec } from "../../src/weights/safetensors";
import { concat, type Files, MemorySource, safetensors } from "./memory_source";

const INDEX = "model.safetensors.index.json";

/** A safetensors file whose data is 0, 1, 2, … */
function weights(specs: readonly TensorSpec[]): Uint8Array<ArrayBuffer> {
  const { header, fileBytes } = encodeHeader(specs, "");
  return concat(
    header,
    Uint8Array.from({ length: fileBytes - header.length }, (_, i) => i),
  );
}

const ROWS: TensorSpec = { name: "rows", dtype: "U8", shape: [4, 3] };
const VECTOR: TensorSpec = { name: "vector", dtype: "F32", shape: [2] };
const FOLDER: Files = { "config.json": { model_type: "llama" }, "model.safetensors": weights([ROWS, VECTOR]) };

const open = (files: Files) => openCheckpoint(new MemorySource(files));

test("a folder gives its configuration, its tensors and rows of them", async () => {
  const checkpoint = await open(FOLDER);
  expect(checkpoint.config).toEqual({ model_type: "llama" });
  expect(checkpoint.generationConfig).toEqual({});
  expect(checkpoint.packed).toBeNull();
  expect(checkpoint.bytes).toBe(20);
  expect(checkpoint.tensors.get("rows")).toMatchObject({ dtype: "U8", shape: [4, 3] });
  expect([...(await checkpoint.tensor("rows", 1, 3))]).toEqual([3, 4, 5, 6, 7, 8]);
  expect([...(await checkpoint.tensor("rows", 3))]).toEqual([9, 10, 11]);
  expect(await checkpoint.tensor("rows", 2, 2)).toHaveLength(0);
  expect(await checkpoint.tensor("vector")).toHaveLength(8);
});

test.each([
  [-1, 2],
  [3, 2],
  [0, 5],
  [0.5, 1],
])("rows %f to %f of four are refused", async (from, to) => {
  await expect((await open(FOLDER)).tensor("rows", from, to)).rejects.toMatchObject({ code: "bad-request" });
});

test("a tensor that is not there is named", async () => {
  await expect((await open(FOLDER)).tensor("none")).rejects.toMatchObject({
    code: "model-missing",
    message: expect.stringContaining("none"),
  });
});

test("a tensor of an unreadable type is refused only when it is read", async () => {
  const file = safetensors({ odd: { dtype: "F8_E4M3", shape: [2], data_offsets: [0, 2] } }, new Uint8Array(2));
  const checkpoint = await open({ "config.json": {}, "model.safetensors": file });
  await expect(checkpoint.tensor("odd")).rejects.toMatchObject({ code: "model-unsupported", message: expect.stringContaining("F8_E4M3") });
});

test("generation_config.json and gyre.json are read", async () => {
  const manifest = {
    format: "gyre",
    version: 1,
    name: "Demo",
    family: "lfm2",
    precision: "w8a8",
    parameters: 5,
    rotation: null,
    chunkBytes: 1024,
    files: [],
  };
  const checkpoint = await open({ ...FOLDER, "generation_config.json": { top_k: 3 }, "gyre.json": manifest });
  expect(checkpoint.generationConfig).toEqual({ top_k: 3 });
  expect(checkpoint.packed).toMatchObject({ name: "Demo", precision: "w8a8", parameters: 5, rotation: null });
});

test("shards are found through the index, whatever they are called", async () => {
  const checkpoint = await open({
    "config.json": {},
    [INDEX]: { weight_map: { rows: "model.safetensors-00001-of-00001.safetensors", vector: "sub/b.safetensors" } },
    "model.safetensors-00001-of-00001.safetensors": weights([ROWS]),
    "sub/b.safetensors": weights([VECTOR]),
  });
  expect([...checkpoint.tensors.keys()]).toEqual(["rows", "vector"]);
  expect([...(await checkpoint.tensor("rows", 0, 1))]).toEqual([0, 1, 2]);
});

const BAD: readonly (readonly [what: string, files: Files, code: string, names: readonly string[]])[] = [
  ["no config.json", { "model.safetensors": weights([ROWS]) }, "model-missing", ["config.json"]],
  ["a broken config.json", { ...FOLDER, "config.json": "{" }, "model-damaged", ["config.json"]],
  ["a config.json that is a list", { ...FOLDER, "config.json": "[]" }, "model-damaged", ["config.json"]],
  ["a config.json that is not UTF-8", { ...FOLDER, "config.json": Uint8Array.of(0xff) }, "model-damaged", ["config.json"]],
  ["a broken generation_config.json", { ...FOLDER, "generation_config.json": "x" }, "model-damaged", ["generation_config.json"]],
  ["a broken gyre.json", { ...FOLDER, "gyre.json": { format: "gyre", version: 1 } }, "model-damaged", ["gyre.json"]],
  ["no weights", { "config.json": {} }, "model-missing", ["model.safetensors"]],
  ["an index without a map", { "config.json": {}, [INDEX]: {} }, "model-damaged", [INDEX]],
  ["an empty index", { "config.json": {}, [INDEX]: { weight_map: {} } }, "model-damaged", [INDEX]],
  [
    "an index that leaves the folder",
    { "config.json": {}, [INDEX]: { weight_map: { rows: "../a.safetensors" } } },
    "model-damaged",
    [INDEX, "rows"],
  ],
  ["an absent shard", { "config.json": {}, [INDEX]: { weight_map: { rows: "a.safetensors" } } }, "model-missing", ["a.safetensors"]],
  [
    "a shard without its tensor",
    { "config.json": {}, [INDEX]: { weight_map: { rows: "a.safetensors" } }, "a.safetensors": weights([VECTOR]) },
    "model-damaged",
    ["a.safetensors", "rows"],
  ],
];

test.each(BAD)("%s: the error names it", async (_, files, code, names) => {
  const error = await open(files).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  for (const name of names) expect((error as Error).message).toContain(name);
});
