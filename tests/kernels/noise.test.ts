// The parts of the sampler that must have the same bits in WGSL and in TypeScript.
import { expect, test } from "vitest";
import type { Dispatch } from "../../src/gpu/plan";
import { assemble } from "../../src/kernels/parts";
import { gumbel } from "../../src/speculate/gumbel";
import { mass, massReach, shareOf, shareUnits } from "../../src/speculate/mass";
import { mulHigh } from "../../src/speculate/wide";
import { type Lab, useGpu } from "../setup/gpu";
import { philoxVectors } from "../speculate/philox_vectors";

const bench = useGpu();

/** Computes `expression` of `at` (and input) for each of `count` results. */
async function compute(lab: Lab, expression: string, input: Uint32Array<ArrayBuffer>, count: number): Promise<Uint32Array> {
  const code = `
    @group(0) @binding(1) var<storage, read> input: array<u32>;
    @group(0) @binding(2) var<storage, read_write> output: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let at = id.x;
      if (at < ${count}u) { output[at] = ${expression}; }
    }`;
  const output = lab.output(count * 4);
  const step: Dispatch = {
    label: "probe",
    shader: assemble("probe", code, ["wide", "noise", "mass"]),
    constants: {},
    bindings: { input: lab.upload(input), output },
    grid: () => [Math.ceil(count / 64), 1, 1],
  };
  await lab.pass([[step]], { rows: 1, headRows: 0 });
  return lab.words(output, count);
}

/** The first thing that differs, or null; quick where there are many. */
function firstDifference(actual: Uint32Array, expected: Uint32Array): string | null {
  const at = expected.findIndex((word, i) => word !== actual[i]);
  return at < 0 ? null : `${at}: ${actual[at]}, expected ${expected[at]}`;
}

test("Philox gives the known answers", () =>
  bench.run(async (lab) => {
    const input = Uint32Array.from(philoxVectors.flatMap(({ key, counter }) => [...key, ...counter]));
    const word = (i: number) => `input[at / 4u * 6u + ${i}u]`;
    const call = `philox(vec2(${word(0)}, ${word(1)}), vec4(${word(2)}, ${word(3)}, ${word(4)}, ${word(5)}))[at % 4u]`;
    const words = await compute(lab, call, input, philoxVectors.length * 4);
    expect(Array.from(words)).toEqual(philoxVectors.flatMap((vector) => vector.words));
  }));

test("the upper word of a product is exact", () =>
  bench.run(async (lab) => {
    const edges = [0, 1, 2, 0xffff, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xd2511f53, 0xffff0000, 0xffffffff];
    const input = Uint32Array.from(edges.flatMap((a) => edges.flatMap((b) => [a, b])));
    const exact = Uint32Array.from({ length: input.length / 2 }, (_, i) =>
      Number((BigInt(input[2 * i] ?? 0) * BigInt(input[2 * i + 1] ?? 0)) >> 32n),
    );
    expect(await compute(lab, "mul_high(input[2u * at], input[2u * at + 1u])", input, exact.length)).toEqual(exact);
    expect(exact.map((_, i) => mulHigh(input[2 * i] ?? 0, input[2 * i + 1] ?? 0))).toEqual(exact);
  }));

test("the noise has the bits of its twin, at both ends and in between", () =>
  bench.run(async (lab) => {
    const count = 400_000;
    const words = Uint32Array.from({ length: count }, (_, i) => {
      if (i < 100_000) return i << 8;
      if (i < 200_000) return ~((i - 100_000) << 8);
      return Math.imul(i, 0x9e3779b9);
    });
    const actual = await compute(lab, "bitcast<u32>(gumbel(input[at]))", words, count);
    const expected = new Uint32Array(Float32Array.from(words, gumbel).buffer);
    expect(firstDifference(actual, expected)).toBeNull();
    expect(new Float32Array(actual.buffer).every((value) => value > -2.82 && value < 16.64)).toBe(true);
  }));

test("masses have the bits of their twin", () =>
  bench.run(async (lab) => {
    const distances = Float32Array.from({ length: 100_000 }, (_, i) => (massReach * i) / 99_999);
    const actual = await compute(lab, "mass(bitcast<f32>(input[at]))", new Uint32Array(distances.buffer), distances.length);
    expect(firstDifference(actual, Uint32Array.from(distances, mass))).toBeNull();
  }));

test("shares are exact", () =>
  bench.run(async (lab) => {
    const totals = [1, 2 ** 14 - 1, 2 ** 14, 2 ** 24 + 1, 2 ** 28 - 1, 12345678901234, 2 ** 46 - 2 ** 18];
    const shares = [1e-9, 0.1, 0.5, 0.9, 0.95, 0.99999994];
    const cases = totals.flatMap((total) => shares.map((share) => ({ total, share })));
    const input = Uint32Array.from(cases.flatMap(({ total, share }) => [Math.floor(total / 2 ** 14), total % 2 ** 14, shareUnits(share)]));
    const call = "share_wide(vec2(input[at / 2u * 3u], input[at / 2u * 3u + 1u]), input[at / 2u * 3u + 2u])[at % 2u]";
    const words = await compute(lab, call, input, cases.length * 2);
    cases.forEach(({ total, share }, i) => {
      expect((words[2 * i] ?? 0) * 2 ** 14 + (words[2 * i + 1] ?? 0), `${total} * ${share}`).toBe(shareOf(total, share));
    });
  }));
