import { describe, expect, test } from "vitest";
import {
  type Choices,
  candidates,
  choicesOf,
  type DeviceTraits,
  defaultChoices,
  dotPart,
  linearVariants,
  readChoices,
  sampleSlice,
} from "../../src/kernels/policy";

const devices: readonly DeviceTraits[] = [true, false].flatMap((packedDot) => [true, false].map((software) => ({ packedDot, software })));

describe.each(devices)("packedDot $packedDot, software $software", (device) => {
  test("the defaults are the first candidates and survive being kept as JSON", () => {
    const chosen = defaultChoices(device);
    for (const [part, names] of Object.entries(candidates(device))) {
      expect(names[0]).toBe(chosen[part as keyof Choices]);
      expect(new Set(names).size).toBe(names.length);
    }
    expect(readChoices(JSON.parse(JSON.stringify(chosen)), device)).toEqual(chosen);
  });

  test("a packed dot product is offered only where there is one", () => {
    expect(candidates(device).dot.includes("packed")).toBe(device.packedDot);
  });

  test("every count of rows up to the most has exactly one narrowest variant, and no variant is wasted", () => {
    for (const maxRows of [1, 2, 3, 5, 8, 16, 17, 64, Number.POSITIVE_INFINITY]) {
      const variants = linearVariants(maxRows, device);
      const most = variants.map((variant) => variant.maxRows);
      expect(most).toEqual([...new Set(most)].sort((a, b) => a - b));
      expect(most.at(-1)).toBeGreaterThanOrEqual(maxRows);
      expect(most.slice(0, -1).every((rows) => rows < maxRows)).toBe(true);
    }
  });
});

test("three rows take the pipeline for four", () => {
  const variants = linearVariants(64, { packedDot: true, software: false });
  expect(variants.find(({ maxRows }) => maxRows >= 3)).toMatchObject({ rows: 4 });
});

test("choices given with the device override the defaults", () => {
  const device = { packedDot: true, software: false };
  const choices: Choices = { dot: "unpacked", one: "lanes64", few: "lanes8", many: "rows", norm: "apart" };
  expect(choicesOf({ ...device, choices })).toEqual(choices);
  expect(dotPart({ ...device, choices })).toBe("dot_unpacked");
  expect(linearVariants(100, { ...device, choices }).map(({ maxRows, ...variant }) => [maxRows, variant])).toEqual([
    [1, { rows: 1, threads: 64, lanes: 64 }],
    [2, { rows: 2, threads: 64, lanes: 8 }],
    [4, { rows: 4, threads: 64, lanes: 8 }],
    [8, { rows: 8, threads: 64, lanes: 8 }],
    [16, { rows: 16, threads: 64, lanes: 8 }],
    [Number.POSITIVE_INFINITY, { rows: 16, threads: 64, lanes: 8 }],
  ]);
});

test("workgroups share a large vocabulary in slices, on GPUs alone; one workgroup makes a row of a small one", () => {
  const gpu = { packedDot: true, software: false };
  const slices = (vocabulary: number) => Math.ceil(vocabulary / (sampleSlice(vocabulary, gpu) ?? vocabulary));
  for (const vocabulary of [1, 512, 8192]) expect(sampleSlice(vocabulary, gpu)).toBeNull();
  for (const vocabulary of [8193, 65_536, 262_144]) {
    expect(sampleSlice(vocabulary, { ...gpu, software: true })).toBeNull();
    expect((sampleSlice(vocabulary, gpu) ?? 0) % 4).toBe(0); // threads read four logits at a time
  }
  expect([8193, 65_536, 262_144].map(slices)).toEqual([5, 32, 128]);
});

test.each([
  ["nothing", null],
  ["text", "packed"],
  ["a part missing", { dot: "unpacked", one: "lanes32", few: "lanes16", many: "tile64" }],
  ["an unknown name", { dot: "unpacked", one: "lanes5", few: "lanes16", many: "tile64", norm: "apart" }],
  ["what this device lacks", { dot: "packed", one: "lanes32", few: "lanes16", many: "tile64", norm: "apart" }],
])("kept choices with %s are not taken", (_, kept) => {
  expect(readChoices(kept, { packedDot: false, software: false })).toBeNull();
});
