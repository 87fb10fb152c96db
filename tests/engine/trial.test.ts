import { expect, test } from "vitest";
import { shapeNamed } from "../../src/cli/shapes";
import { chooseFor } from "../../src/engine/choose";
import { heaviestShapes, Trial } from "../../src/engine/trial";
import { tune } from "../../src/engine/tuner";
import type { Dispatch } from "../../src/gpu/plan";
import { makeShader, type ShaderPart } from "../../src/gpu/shader";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { candidates, defaultChoices } from "../../src/kernels/policy";
import { parseModel } from "../../src/models/registry";
import { useGpu } from "../setup/gpu";
import { openFixture } from "../setup/models";

const bench = useGpu();
const shapes = [
  { inputs: 256, outputs: 96, accumulate: true },
  { inputs: 72, outputs: 40, accumulate: false }, // narrower than its padding, and fewer outputs
];

test("the heaviest shapes of a model are its feed-forward layers', as they are laid together", () => {
  const { linears } = parseModel({ ...shapeNamed("LFM2.5-350M").config });
  expect(heaviestShapes(linears)).toEqual([
    { inputs: 1024, outputs: 9216, accumulate: false },
    { inputs: 4608, outputs: 1024, accumulate: true },
  ]);
});

test("products of this device are right and take time, for every candidate and every count of rows", () =>
  bench.run(async ({ gpu }) => {
    const trial = new Trial(gpu, shapes, 64);
    const known = candidates(gpu);
    const defaults = defaultChoices(gpu);
    for (const dot of known.dot) {
      for (const rows of [1, 8, 64]) expect(await trial.measure({ ...defaults, dot }, rows), `${dot}, ${rows} rows`).toBeGreaterThan(0);
      expect(await trial.check({ ...defaults, dot }, 3)).toBe(true);
    }
    trial.dispose();
  }));

/** A product that is off by one in some variants, as by a driver's fault: a real shader, compiled and run. */
function faulty(isFaulty: (dispatch: Dispatch) => boolean): typeof linearInt8 {
  const spoil = ({ name, code }: ShaderPart): ShaderPart => {
    if (name !== "lib/linear_output.wgsl") return { name, code };
    const wrong = "\nfn store(row: u32, output: u32, sum: i32, scale: f32) {\n  sound(row, output, sum + i32(output == 0u), scale);\n}\n";
    return { name, code: code.replace("fn store", "fn sound") + wrong };
  };
  return (...args) =>
    linearInt8(...args).map((dispatch) => {
      if (!isFaulty(dispatch)) return dispatch;
      return { ...dispatch, shader: makeShader(dispatch.shader.name, dispatch.shader.parts.map(spoil)) };
    });
}

test("a wrong variant is seen, the tuner takes another, and without another it refuses the device", () =>
  bench.run(async ({ gpu }) => {
    const known = candidates(gpu);
    const defaults = defaultChoices(gpu);
    const oneRowWrong = new Trial(
      gpu,
      shapes,
      64,
      faulty(({ shader }) => shader.name === "linear_row"),
    );
    expect(await oneRowWrong.check(defaults, 1)).toBe(false);
    expect(await oneRowWrong.check(defaults, 8)).toBe(true);
    await expect(tune(known, defaults, (choices, rows) => oneRowWrong.measure(choices, rows), 0)).rejects.toMatchObject({
      code: "wrong-result",
      detail: expect.stringContaining("one"),
    });
    oneRowWrong.dispose();

    const packedWrong = new Trial(
      gpu,
      shapes,
      64,
      faulty(({ shader }) => shader.parts.some(({ name }) => name === "lib/dot_packed.wgsl")),
    );
    const chosen = await tune(known, defaults, (choices, rows) => packedWrong.measure(choices, rows), 0);
    expect(chosen).toEqual({ ...defaults, dot: "unpacked" });
    packedWrong.dispose();
  }));

test("loading replaces what is wrong, also where it was kept by an earlier load, and refuses where nothing is right", () =>
  bench.run(async ({ gpu }) => {
    const { config } = await openFixture("llama-tied-bf16");
    const model = parseModel(config);
    const packedWrong = faulty(({ shader }) => shader.parts.some(({ name }) => name === "lib/dot_packed.wgsl"));
    const kept = { choices: defaultChoices(gpu), costs: [{ rows: 1, ms: 1 }] };
    const stores = [null, { get: async () => kept, put: async () => {} }, { get: async () => undefined, put: async () => {} }];
    for (const store of stores) {
      const options = { precision: "w8a8", config, store } as const;
      expect((await chooseFor(gpu, model, { ...options, product: packedWrong })).choices.dot).toBe("unpacked");
      const allWrong = chooseFor(gpu, model, { ...options, product: faulty(() => true) });
      await expect(allWrong).rejects.toMatchObject({ code: "wrong-result", message: "This GPU computed a wrong result." });
    }
  }));
