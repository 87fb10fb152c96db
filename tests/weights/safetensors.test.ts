import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../../src/protocol/errors";
import { encodeHeader, readHeader, type TensorSpec, tensorBytes } from "../../src/weights/safetensors";
import { concat, MemorySource, safetensors } from "./memory_source";

const FILE = "model.safetensors";
const read = (bytes: Uint8Array<ArrayBuffer>) => readHeader(new MemorySource({ [FILE]: bytes }), FILE);

const SPECS: readonly TensorSpec[] = [
  { name: "a.weight", dtype: "I8", shape: [3, 16] },
  { name: "a.weight_scale", dtype: "F32", shape: [3] },
  { name: "b", dtype: "BF16", shape: [] },
  { name: "empty", dtype: "F32", shape: [0, 4] },
];

function sample(): Uint8Array<ArrayBuffer> {
  const { header, fileBytes } = encodeHeader(SPECS, FILE);
  return concat(header, new Uint8Array(fileBytes - header.length));
}

test("an encoded header reads back as the same tensors, with the data at a multiple of eight", async () => {
  const { header, tensors } = encodeHeader(SPECS, FILE);
  expect(header.length % 8).toBe(0);
  const parsed = await read(sample());
  expect([...parsed.tensors.values()]).toEqual(tensors);
  expect(tensors.map((tensor) => tensor.end - tensor.begin)).toEqual(SPECS.map(tensorBytes));
});

test("metadata is passed over, and a type that cannot be read is kept apart", async () => {
  const bytes = safetensors(
    {
      __metadata__: { format: "pt" },
      x: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      y: { dtype: "F8_NEW", shape: [9], data_offsets: [4, 7] },
    },
    new Uint8Array(7),
  );
  const { tensors, unsupported } = await read(bytes);
  expect([...tensors.keys()]).toEqual(["x"]);
  expect([...unsupported]).toEqual([["y", "F8_NEW"]]);
});

const X = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
const BAD: readonly (readonly [what: string, bytes: Uint8Array<ArrayBuffer>, reason: RegExp])[] = [
  ["nothing", new Uint8Array(0), /too few/],
  ["seven bytes", new Uint8Array(7), /too few/],
  ["a length beyond the file", Uint8Array.of(200, 0, 0, 0, 0, 0, 0, 0, 123, 125), /does not fit/],
  ["a length of 2^63", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123, 125), /would be 9223372036854775808 bytes/],
  ["text that is no JSON", safetensors("{]", new Uint8Array(0)), /not JSON/],
  ["bytes that are no UTF-8", concat(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(0xff)), /not JSON/],
  ["a list", safetensors([], new Uint8Array(0)), /not a JSON object/],
  ["an entry that is no object", safetensors({ x: 3 }, new Uint8Array(8)), /not an object/],
  ["no type", safetensors({ x: { ...X, dtype: 7 } }, new Uint8Array(8)), /element type/],
  ["a negative size", safetensors({ x: { ...X, shape: [-2] } }, new Uint8Array(8)), /shape/],
  ["a fractional size", safetensors({ x: { ...X, shape: [0.5, 4] } }, new Uint8Array(8)), /shape/],
  ["one offset", safetensors({ x: { ...X, data_offsets: [8] } }, new Uint8Array(8)), /offsets/],
  ["offsets backwards", safetensors({ x: { ...X, data_offsets: [8, 0] } }, new Uint8Array(8)), /range/],
  [
    "an offset of 2^60",
    safetensors(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,1152921504606846976]}}`, new Uint8Array(8)),
    /range/,
  ],
  ["an end beyond the file", safetensors({ x: X }, new Uint8Array(7)), /ends at byte/],
  ["a length that is not the shape's", safetensors({ x: { ...X, shape: [3] } }, new Uint8Array(8)), /takes 12 bytes and has 8/],
  ["a shape whose product overflows", safetensors({ x: { ...X, shape: [2 ** 52, 2 ** 52] } }, new Uint8Array(8)), /takes \d{30,}/],
  ["an overlap", safetensors({ x: X, y: { ...X, data_offsets: [4, 12] } }, new Uint8Array(12)), /overlaps/],
  ["a hole", safetensors({ x: X, y: { ...X, data_offsets: [9, 17] } }, new Uint8Array(17)), /belong to none/],
  ["bytes left over", safetensors({ x: X }, new Uint8Array(9)), /take 8 bytes and it holds 9/],
];

test.each(BAD)("a file with %s is damaged, and the error names the file and the reason", async (_, bytes, reason) => {
  const error: unknown = await read(bytes).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({ code: "model-damaged", message: expect.stringContaining(FILE) });
  expect((error as EngineError).message).toMatch(reason);
});

/** Either a header whose every tensor lies in the file and has the bytes its shape needs, or an EngineError. */
async function isSoundOrRefused(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    const { tensors } = await read(bytes);
    return [...tensors.values()].every(
      (tensor) => tensor.begin >= 8 && tensor.end <= bytes.length && tensor.end - tensor.begin === tensorBytes(tensor),
    );
  } catch (error) {
    return error instanceof EngineError && error.code === "model-damaged";
  }
}

test("every truncation is refused", async () => {
  const whole = sample();
  for (let length = 0; length < whole.length; length += 1) {
    await expect(read(whole.slice(0, length)), `${length} bytes`).rejects.toMatchObject({ code: "model-damaged" });
  }
});

test("no change of one byte gives anything but an error or a sound header", async () => {
  const whole = sample();
  const headerBytes = encodeHeader(SPECS, FILE).header.length;
  await fc.assert(
    fc.asyncProperty(fc.nat(headerBytes - 1), fc.nat(255), async (position, value) => {
      const bytes = whole.slice();
      bytes[position] = value;
      return isSoundOrRefused(bytes);
    }),
    { numRuns: 2000 },
  );
});

test("no arbitrary header gives anything but an error or a sound header", async () => {
  const entry = fc.record(
    {
      dtype: fc.constantFrom("F32", "BF16", "I8", "F64", "odd"),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
      data_offsets: fc.array(fc.nat(20), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const header = fc.dictionary(fc.string(), fc.oneof(entry, fc.jsonValue()), { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array({ maxLength: 40 }), (json, data) => isSoundOrRefused(safetensors(json, data))),
    { numRuns: 1000 },
  );
});
