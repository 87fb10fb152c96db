import { expect, test } from "vitest";
import { BlobSource } from "../../src/weights/blob_source";

const source = (...paths: string[]) =>
  new BlobSource(
    "picked",
    paths.map((path) => ({ path, file: new Blob([path]) })),
  );

test.each([
  ["the folder's own name in front", ["model/config.json", "model/sub/a.safetensors"], "sub/a.safetensors"],
  ["no folder in front", ["config.json", "sub/a.safetensors"], "sub/a.safetensors"],
  ["several folders in front", ["models/snapshots/1/config.json", "models/snapshots/1/a.safetensors", "models/refs/main"], "a.safetensors"],
  ["another config.json further in", ["model/onnx/config.json", "model/config.json", "model/a.safetensors"], "a.safetensors"],
  ["no config.json at all", ["model/a.safetensors", "model/sub/b"], "a.safetensors"],
  ["files side by side and no config.json", ["a.safetensors", "sub/b"], "a.safetensors"],
])("%s: paths are those inside the model", async (_, paths, expected) => {
  const whole = paths.find((path) => path.endsWith(expected))!;
  expect(await source(...paths).has(expected)).toBe(true);
  expect(await source(...paths).size(expected)).toBe(whole.length);
});

test("reads ranges, names what is missing and what is too short", async () => {
  const files = source("m/config.json");
  expect(new TextDecoder().decode(await files.read("config.json", 2, 8))).toBe("config");
  await expect(files.size("x.json")).rejects.toMatchObject({ code: "model-missing", message: expect.stringContaining("x.json") });
  await expect(files.read("config.json", 0, 14)).rejects.toMatchObject({
    code: "model-damaged",
    message: expect.stringContaining("config.json"),
  });
});

test("a file that cannot be read any more is reported", async () => {
  const file = new Blob(["gone"]);
  file.slice = () => {
    throw new DOMException("changed", "NotReadableError");
  };
  await expect(new BlobSource("picked", [{ path: "config.json", file }]).read("config.json", 0, 4)).rejects.toMatchObject({
    code: "model-damaged",
    message: expect.stringContaining("config.json"),
  });
});

test("nothing picked is a model without files", async () => {
  expect(await source().has("config.json")).toBe(false);
});
