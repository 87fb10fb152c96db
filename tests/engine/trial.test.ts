import { expect, test } from "vitest";
import { shapeNamed } from "../../src/cli/shapes";
import { chooseFor } from "../../src/engine/choose";
import { heaviestShapes, Trial } from "../../src/engine/trial";
import { inTurn } from "../../src/engine/trial_weights";
import { tune } from "../../src/engine/tuner";
import type { Dispatch } from "../../src/gpu/plan";
import { makeShader, type ShaderPart } from "../../src/gpu/shader";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { type Candidates, type Choices, candidates, defaultChoices } from "../../src/kernels/policy";
import { parseModel } from "../../src/models/registry";
import { useGpu } from "../setup/gpu";
import { openFixture } from "../setup/models";

const bench = useGpu();
const shapes = [
  { inputs: 256, outputs: 96, accumulate: true, normed: false, matrices: 3 },
  { inputs: 72, outputs: 40, accumulate: false, normed: true, matrices: 2 }, // narrower than its padding, and fewer outputs
];
const int8 = { weights: "int8", epsilon: 1e-5 } as const;

test("the heaviest shapes of a model are its feed-forward layers', as they are laid together", () => {
  const { linears } = parseModel({ ...shapeNamed("LFM2.5-350M").config });
  expect(heaviestShapes(linears)).toEqual([
    { inputs: 1024, outputs: 9216, accumulate: false, normed: true, matrices: 16 },
    { inputs: 4608, outputs: 1024, accumulate: true, normed: false, matrices: 16 },
  ]);
});

test.each(["int8", "int4"] as const)(
  "%s products of this device are right and take time, for every candidate and every count of rows",
  (weights) =>
    bench.run(async ({ gpu }) => {
      const trial = new Trial(gpu, shapes, { ...int8, weights });
      const known = candidates(gpu);
      const defaults = defaultChoices(gpu);
      for (const dot of known.dot) {
        for (const rows of [1, 8, 64]) expect(await trial.measure({ ...defaults, dot }, rows), `${dot}, ${rows} rows`).toBeGreaterThan(0);
        expect(await trial.check({ ...defaults, dot }, [3])).toBe(true);
      }
      trial.dispose();
    }),
);

test.each(["int8", "int4"] as const)("%s matrices are timed in turn on a GPU, as many as the model has, and freed", (weights) =>
  bench.run(async ({ gpu }) => {
    const freed = new Set<GPUBuffer>();
    const inOrder = async (software: boolean) => {
      const read = shapes.map((): GPUBuffer[] => []); // in the order in which they are
      const timed = shapes.map((): GPUBuffer[] => []);
      const product: typeof linearInt8 = (label, linear, device) => {
        const { codes, outputs } = linear.matrix;
        const order = read[shapes.findIndex((shape) => shape.outputs === outputs)]!;
        const destroy = codes.destroy.bind(codes);
        Object.defineProperty(codes, "destroy", { configurable: true, value: () => [destroy(), freed.add(codes)] });
        return linearInt8(label, linear, device).map((dispatch) => ({
          ...dispatch,
          grid: (shape) => {
            order.push(codes);
            return dispatch.grid(shape);
          },
        }));
      };
      const trial = new Trial({ ...gpu, software }, shapes, { ...int8, weights, product });
      for (let i = 0; i < 7; i++) {
        expect(await trial.measure(defaultChoices(gpu), 8)).toBeGreaterThan(0);
        for (const [at, order] of read.entries()) timed[at]!.push(...order.splice(0).slice(1)); // the first was held to the reference
      }
      trial.dispose();
      return timed;
    };
    for (const [i, order] of (await inOrder(false)).entries()) {
      const { matrices } = shapes[i]!;
      expect(new Set(order.slice(0, matrices)).size).toBe(matrices);
      expect(order.every((codes, at) => codes === order[at % matrices])).toBe(true);
      expect(order.every((codes) => freed.has(codes))).toBe(true);
    }
    for (const order of await inOrder(true)) expect(new Set(order).size).toBe(1);
    const MiB = 2 ** 20;
    expect([inTurn(9 * MiB, 16), inTurn(9 * MiB, 12), inTurn(300 * MiB, 16), inTurn(MiB, 1)]).toEqual([15, 12, 1, 1]);
  }),
);

interface Fault {
  readonly part: string; // of a shader
  readonly from: string;
  readonly to: string;
}

/** What only its first output shows, and of the least size that there is. */
const sumOffByOne: Fault = {
  part: "lib/linear_output.wgsl",
  from: "f32(sum) * scale",
  to: "f32(sum + i32(matrix_row == 0u)) * scale",
};
const codeOffByOne: Fault = { part: "lib/row_normed.wgsl", from: "staged[word] = four;", to: "staged[word] = four ^ u32(word == 3u);" };
const groupOfAnother: Fault = { part: "lib/weights_int4.wgsl", from: "(group & 7u) * 4u", to: "(group & 3u) * 4u" };

/** A product with a fault in some variants, as by a driver: a real shader, compiled and run. */
function faulty(isFaulty: (dispatch: Dispatch) => boolean, { part, from, to }: Fault = sumOffByOne): typeof linearInt8 {
  const spoil = ({ name, code }: ShaderPart): ShaderPart => ({ name, code: name === part ? code.replace(from, to) : code });
  return (...args) =>
    linearInt8(...args).map((dispatch) => {
      if (!isFaulty(dispatch)) return dispatch;
      const shader = makeShader(dispatch.shader.name, dispatch.shader.parts.map(spoil));
      expect(shader.code).not.toBe(dispatch.shader.code);
      return { ...dispatch, shader };
    });
}

const uses = (part: string) => (dispatch: Dispatch) => dispatch.shader.parts.some(({ name }) => name === part);
const isUsual = ({ dot }: Choices) => uses(`lib/dot_${dot}.wgsl`);

test("a wrong variant is seen, the tuner takes another, and without another it refuses the device", () =>
  bench.run(async ({ gpu }) => {
    const known = candidates(gpu);
    const defaults = defaultChoices(gpu);
    const oneRowWrong = new Trial(gpu, shapes, { ...int8, product: faulty(({ shader }) => shader.name === "linear_row") });
    expect(await oneRowWrong.check(defaults, [1])).toBe(false);
    expect(await oneRowWrong.check(defaults, [8])).toBe(true);
    await expect(tune(known, defaults, (choices, rows) => oneRowWrong.measure(choices, rows), 0)).rejects.toMatchObject({
      code: "wrong-result",
      detail: expect.stringContaining("rows: 1"),
    });
    oneRowWrong.dispose();

    const usualWrong = new Trial(gpu, shapes, { ...int8, product: faulty(isUsual(defaults)) });
    const chosen = await tune(known, defaults, (choices, rows) => usualWrong.measure(choices, rows), 0);
    expect(chosen).toEqual({ ...defaults, dot: known.dot[1] });
    usualWrong.dispose();
  }));

test("a norm folded into products is timed against one apart, and dropped where its codes are not the same", () =>
  bench.run(async ({ gpu }) => {
    const hardware = { ...gpu, software: false }; // as it is called: in software norms are never folded
    const known: Candidates = { dot: ["packed"], one: ["lanes8"], few: ["alone"], many: ["rows"], norm: ["folded", "apart"] };
    const defaults: Choices = { dot: "packed", one: "lanes8", few: "alone", many: "rows", norm: "folded" };
    const apart: Choices = { ...defaults, norm: "apart" };
    const right = new Trial(hardware, shapes, int8);
    for (const choices of [defaults, apart]) expect(await right.measure(choices, 1), choices.norm).toBeGreaterThan(0);
    right.dispose();

    const wrong = new Trial(hardware, shapes, { ...int8, product: faulty(uses("lib/row_normed.wgsl"), codeOffByOne) });
    expect(await wrong.check(defaults, [1])).toBe(false);
    expect(await wrong.check(defaults, [3])).toBe(true);
    expect(await wrong.check(apart, [1])).toBe(true);
    expect(await tune(known, defaults, (choices, rows) => wrong.measure(choices, rows), 0)).toEqual(apart);
    wrong.dispose();
  }));

test("a group's scale that is read from another group is seen", () =>
  bench.run(async ({ gpu }) => {
    const trial = new Trial(gpu, shapes, { ...int8, weights: "int4", product: faulty(uses("lib/weights_int4.wgsl"), groupOfAnother) });
    for (const rows of [1, 3, 17]) expect(await trial.check(defaultChoices(gpu), [rows])).toBe(false);
    trial.dispose();
  }));

test("loading replaces what is wrong, also where it was kept by an earlier load, and refuses where nothing is right", () =>
  bench.run(async ({ gpu }) => {
    const { config } = await openFixture("llama-tied-bf16");
    const model = parseModel(config);
    const kept = { choices: defaultChoices(gpu), costs: [{ rows: 1, ms: 1 }] };
    const stores = [null, { get: async () => kept, put: async () => {} }, { get: async () => undefined, put: async () => {} }];
    for (const store of stores) {
      const options = { precision: "w8a8", config, store } as const;
      const chosen = await chooseFor(gpu, model, { ...options, product: faulty(isUsual(kept.choices)) });
      expect(candidates(gpu).dot.slice(1)).toContain(chosen.choices.dot); // whichever is faster, where time is taken
    }
    const allWrong = chooseFor(gpu, model, { precision: "w8a8", config, store: null, product: faulty(() => true) });
    await expect(allWrong).rejects.toMatchObject({ code: "wrong-result", message: "This GPU computed a wrong result." });
  }));

test("a model in INT4 is held to its own products: what is wrong with those alone is replaced, and troubles no other", () =>
  bench.run(async ({ gpu }) => {
    const { config } = await openFixture("llama-tied-bf16");
    const model = parseModel(config);
    const isInt4 = uses("lib/weights_int4.wgsl");
    const product = faulty((dispatch) => isInt4(dispatch) && isUsual(defaultChoices(gpu))(dispatch));
    const choose = (precision: "w8a8" | "w4a8") => chooseFor(gpu, model, { precision, config, store: null, product });
    expect((await choose("w4a8")).choices).toEqual({ ...defaultChoices(gpu), dot: candidates(gpu).dot[1] });
    expect((await choose("w8a8")).choices).toEqual(defaultChoices(gpu));
  }));
