// Every shader in every variant, with the constants of real models, on a device that compiles and validates but runs nothing. The device has
// WebGPU's default limits, so it refuses what some user's GPU would refuse.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { type Gpu, inErrorScopes, openGpu } from "../../src/gpu/device";
import { PipelineCache } from "../../src/gpu/pipelines";
import { Plan, type Step } from "../../src/gpu/plan";
import { makeShader, type Shader } from "../../src/gpu/shader";
import { attention } from "../../src/kernels/attention";
import { attentionMerge } from "../../src/kernels/attention_merge";
import { embedFloat } from "../../src/kernels/embed_float";
import { embedInt8 } from "../../src/kernels/embed_int8";
import { gatedSilu } from "../../src/kernels/gated_silu";
import { kvCommit } from "../../src/kernels/kv_commit";
import { linearFloat } from "../../src/kernels/linear_float";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { assemble } from "../../src/kernels/parts";
import { candidates, type DeviceTraits, foldsNorm } from "../../src/kernels/policy";
import { rmsNorm } from "../../src/kernels/rms_norm";
import { ropeAppend } from "../../src/kernels/rope_append";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { sample } from "../../src/kernels/sample";
import { shortConv } from "../../src/kernels/short_conv";
import type { FloatRows, Rows } from "../../src/kernels/tensors";
import { traits } from "../setup/gpu";

interface ModelShape {
  readonly name: string;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  readonly taps: number; // of the short convolution
}

const models: readonly ModelShape[] = [
  { name: "LFM2.5-350M", hidden: 1024, feedForward: 4608, heads: 16, kvHeads: 8, headDim: 64, vocabulary: 65_536, taps: 3 },
  { name: "LFM2.5-1.2B", hidden: 2048, feedForward: 8192, heads: 32, kvHeads: 8, headDim: 64, vocabulary: 65_536, taps: 3 },
  { name: "SmolLM2-135M", hidden: 576, feedForward: 1536, heads: 9, kvHeads: 3, headDim: 64, vocabulary: 49_152, taps: 2 },
  { name: "Qwen3-0.6B", hidden: 1024, feedForward: 3072, heads: 16, kvHeads: 8, headDim: 128, vocabulary: 151_936, taps: 4 },
  { name: "stories260k", hidden: 64, feedForward: 172, heads: 8, kvHeads: 4, headDim: 8, vocabulary: 512, taps: 3 },
  { name: "as wide as Gemma 3", hidden: 640, feedForward: 10_240, heads: 4, kvHeads: 1, headDim: 256, vocabulary: 262_144, taps: 3 },
];

const devices: readonly DeviceTraits[] = [true, false].flatMap((packedDot) => [true, false].map((software) => ({ packedDot, software })));

const kinds = Object.values(traits); // that share rows out differently

/** Devices whose choices between them take every variant of a product, whether a device may choose them together or not. */
const choosing: readonly DeviceTraits[] = kinds.flatMap((device) => {
  const known = candidates(device);
  const longest = Math.max(...Object.values(known).map((names) => names.length));
  const pick = <T>(names: readonly T[], i: number): T => names[i % names.length]!;
  return (["packed", "unpacked", "masked"] as const).flatMap((dot) =>
    Array.from({ length: longest }, (_, i) => ({
      ...device,
      choices: { dot, one: pick(known.one, i), few: pick(known.few, i), many: pick(known.many, i), norm: pick(known.norm, i) },
    })),
  );
});

/** Every step that a model of this shape may be made of, in every variant. `buffer` gives a new one, for any use. */
function allSteps(model: ModelShape, buffer: () => GPUBuffer): Step[] {
  const { hidden, feedForward, heads, kvHeads, headDim, vocabulary, taps } = model;
  const batch = buffer();
  const float = (width: number): FloatRows => ({ kind: "float", width, values: buffer() });
  const int8 = (width: number) => ({ kind: "int8", width, codes: buffer(), scales: buffer(), signs: buffer() }) as const;
  const bothRows = (width: number): Rows[] => [float(width), int8(width)];
  const attentionWidth = (heads + 2 * kvHeads) * headDim;
  const linears = [
    { inputs: hidden, outputs: attentionWidth },
    { inputs: heads * headDim, outputs: hidden, accumulate: true },
    { inputs: hidden, outputs: 2 * feedForward },
    { inputs: feedForward, outputs: hidden, accumulate: true },
    { inputs: hidden, outputs: vocabulary, head: true },
  ];

  const rows = kinds.flatMap((device) => [
    ...[false, true].flatMap((head) =>
      bothRows(hidden).map((output) =>
        rmsNorm("rms_norm", { batch, input: float(hidden), weight: buffer(), epsilon: 1e-5, output, head }, device),
      ),
    ),
    ...bothRows(feedForward).map((output) => gatedSilu("gated_silu", { input: float(2 * feedForward), output }, device)),
    ...bothRows(hidden).map((output) =>
      shortConv(
        "short_conv",
        { batch, input: float(3 * hidden), taps: buffer(), tapCount: taps, bias: buffer(), state: buffer(), output },
        device,
      ),
    ),
    ...[hidden, heads * headDim].map((width) => rotateQuantize("rotate_quantize", { input: float(width), output: int8(width) }, device)),
  ]);

  const embeds = [
    ...kinds.map((device) => {
      const table = { kind: "int8", inputs: hidden, outputs: vocabulary, codes: buffer(), scales: buffer() } as const;
      return embedInt8("embed_int8", { tokens: buffer(), table, signs: buffer(), output: float(hidden) }, device);
    }),
    ...(["F32", "F16", "BF16"] as const).map((type) =>
      embedFloat("embed_float", {
        tokens: buffer(),
        table: { kind: "float", type, inputs: hidden, outputs: vocabulary, weight: buffer() },
        output: float(hidden),
      }),
    ),
  ];

  const products = linears.flatMap(({ inputs, outputs, ...flags }) => {
    const common = { batch, bias: buffer(), output: float(outputs), ...flags };
    const matrix = { kind: "int8", inputs, outputs, codes: buffer(), scales: buffer() } as const;
    const int4 = { ...matrix, kind: "int4", groups: buffer() } as const;
    return [
      ...choosing.flatMap((device) => {
        const norm = foldsNorm(inputs, device) && { norm: { input: float(inputs), weight: buffer(), epsilon: 1e-5 } };
        const input = { ...int8(inputs), ...norm };
        return [matrix, int4].map((weights) => linearInt8("linear_int8", { ...common, input, matrix: weights }, device));
      }),
      ...(["F32", "F16", "BF16"] as const).flatMap((type) => {
        const linear = { ...common, input: float(inputs), matrix: { kind: "float", type, inputs, outputs, weight: buffer() } } as const;
        return devices.map((device) => linearFloat("linear_float", linear, device));
      }),
    ];
  });

  const attentions = (["int8", "f32"] as const).flatMap((type) => {
    const cache = { type, kvHeads, headDim, context: 4096, entries: buffer(), scales: type === "int8" ? buffer() : null };
    const queries = { heads, buffer: buffer() };
    const appends = [1e-5, null].flatMap((epsilon) => {
      const turn = { batch, input: float(attentionWidth), norms: buffer(), epsilon, angles: buffer(), rotaryDim: headDim, queries, cache };
      return kinds.map((device) => ropeAppend("rope_append", turn, device));
    });
    const partials = buffer();
    const attend = { batch, queries, cache, scale: headDim ** -0.5, partials };
    return [
      ...appends,
      kvCommit("kv_commit", { batch, cache }),
      ...devices.flatMap((device) => [
        attention("attention", attend, device),
        attention("attention", { ...attend, window: 512 }, device),
        ...bothRows(heads * headDim).map((output) => attentionMerge("attention_merge", { batch, partials, heads, cache, output }, device)),
      ]),
    ];
  });

  const sliced = { size: 2048, slices: buffer(), tallies: buffer(), searches: buffer(), levels: [buffer()] };
  const drawing = {
    batch,
    sampling: buffer(),
    logits: buffer(),
    vocabulary,
    live: vocabulary - 1,
    counts: buffer(),
    sampled: buffer(),
    tokens: buffer(),
  };
  const samples = kinds.flatMap((device) => [
    ...sample("sample", { ...drawing, candidates: 4 }, device),
    ...sample("sample", { ...drawing, sliced }, device),
  ]);

  return [...[...rows, ...embeds, ...attentions, ...samples].map((dispatch) => [dispatch]), ...products];
}

let opened: Promise<Gpu> | undefined;
const openCompiler = () => (opened ??= openGpu(nodeGpu({ compileOnly: true })));

async function planOf(model: ModelShape): Promise<{ steps: Step[]; plan: Plan; gpu: Gpu }> {
  const gpu = await openCompiler();
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.STORAGE;
  const steps = allSteps(model, () => gpu.device.createBuffer({ size: 512, usage }));
  return { steps, plan: await Plan.compile(gpu.device, new PipelineCache(gpu.device), steps), gpu };
}

const trivial = "@compute @workgroup_size(1) fn main()";
const storageBuffers = (count: number) => {
  const names = Array.from({ length: count }, (_, i) => `b${i}`);
  const declared = names.map((name, i) => `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<u32>;`);
  return [...declared, `${trivial} { ${names.map((name) => `${name}[0] = 1u;`).join(" ")} }`].join("\n");
};
const workgroupWords = (count: number) => `var<workgroup> words: array<u32, ${count}>;\n${trivial} { words[0] = 1u; }`;

describe("the device that compiles refuses what WebGPU's default limits do not allow", () => {
  test.each([
    ["8 storage buffers", storageBuffers(8), null],
    ["9 storage buffers", storageBuffers(9), /storage buffers \(9\)/],
    ["16 KiB of workgroup memory", workgroupWords(4096), null],
    ["16 KiB and a word of workgroup memory", workgroupWords(4097), /workgroup storage/],
  ])("%s", async (_, code, refusal) => {
    const { device } = await openCompiler();
    const compiled = new PipelineCache(device).get(makeShader("limits", [{ name: "limits.wgsl", code }]), {});
    if (refusal) await expect(compiled).rejects.toMatchObject({ code: "shader-failed", detail: expect.stringMatching(refusal) });
    else await expect(compiled).resolves.toBeDefined();
  });
});

test.each(models)("every step of $name compiles, binds and dispatches", async (model) => {
  const { plan, gpu } = await planOf(model);
  await inErrorScopes(gpu.device, () => {
    for (const rows of [1, 2, 16, 512]) {
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      plan.record(pass, { rows, headRows: Math.min(rows, 16) });
      pass.end();
      encoder.finish();
    }
  });
  gpu.check();
});

/** The shaders in what a kernel's module exports, at any depth. */
function shadersIn(value: unknown): Shader[] {
  if (typeof value !== "object" || value === null) return [];
  if ("code" in value && "parts" in value && "bindings" in value) return [value as Shader];
  return Object.values(value).flatMap(shadersIn);
}

const root = new URL("../../", import.meta.url);
const kernelNames = readdirSync(new URL("src/kernels", root))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".reference.ts"))
  .map((file) => file.slice(0, -3));

/** Kernels by name, with the shaders that their modules export. */
async function kernels(): Promise<Map<string, Shader[]>> {
  const found = new Map<string, Shader[]>();
  for (const name of kernelNames) {
    const shaders = shadersIn(await import(`../../src/kernels/${name}.ts`));
    if (shaders.length > 0) found.set(name, shaders);
  }
  return found;
}

test("no shader that a kernel exports is left out above", async () => {
  const { device } = await openCompiler();
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE });
  const compiled = new Set(models.flatMap((model) => allSteps(model, () => buffer).flat()).map(({ shader }) => shader));
  const all = [...(await kernels()).values()].flat();
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter((shader) => !compiled.has(shader)).map(({ parts }) => parts.map(({ name }) => name))).toEqual([]);
});

const shaderFiles = readdirSync(new URL("shaders", root), { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file !== "lib")
  .sort();

test("each file in shaders/ is part of some shader", async () => {
  const used = new Set([...(await kernels()).values()].flat().flatMap(({ parts }) => parts.map(({ name }) => name)));
  expect([...used].sort()).toEqual(shaderFiles);
});

// Kernels that compute what another one computes.
const sharedReferences: Record<string, string> = { linear_row: "linear_int8", linear_tiles: "linear_int8" };

test("a kernel's name is the same in its module, its shader and its reference", async () => {
  for (const [name, shaders] of await kernels()) {
    expect(new Set(shaders.map((shader) => shader.name)), `shaders of ${name}`).toEqual(new Set([name]));
    expect(shaderFiles).toContain(`${name}.wgsl`);
    const reference = `${sharedReferences[name] ?? name}.reference.ts`;
    expect(existsSync(new URL(`src/kernels/${reference}`, root)), reference).toBe(true);
  }
});

test.each(shaderFiles)("%s is written as the others are", (file) => {
  const code = readFileSync(new URL(`shaders/${file}`, root), "utf8");
  const lines = code.split("\n");
  expect(lines.pop(), "ends with a line break").toBe("");
  expect(lines[0], "says first what it is").toMatch(/^\/\/ \S/);
  expect(lines.length, "lines").toBeLessThan(200);
  lines.forEach((line, i) => {
    expect(line.length, `columns of line ${i + 1}`).toBeLessThanOrEqual(140);
    expect(line, `line ${i + 1} has no tab, no carriage return and no blanks at its end`).not.toMatch(/[\t\r]|\s$/);
    expect(/^ */.exec(line)?.[0].length ?? 0, `indentation of line ${i + 1}`).toSatisfy((spaces: number) => spaces % 2 === 0);
  });
});

describe("a shader that does not compile is shown with the part, the line and the line's text", () => {
  const sound = `${trivial} {\n  let rows = batch.rows;\n}\n`;
  const compile = async (shader: Shader) => {
    const { device } = await openCompiler();
    return new PipelineCache(device).get(shader, {});
  };

  test("in the kernel's own file", async () => {
    const shader = assemble("broken", sound.replace("batch.rows", "batch.columns"), ["batch", "int8"]);
    await expect(compile(shader)).rejects.toMatchObject({
      name: "EngineError",
      code: "shader-failed",
      message: "The shader broken does not compile.",
      detail: expect.stringMatching(/^broken\.wgsl:2:14 error: .*columns.*\n {4}let rows = batch\.columns;$/m),
    });
  });

  test("in a file that several share", async () => {
    const parts = [...assemble("broken", sound, ["batch"]).parts];
    parts.splice(1, 0, { name: "lib/bad.wgsl", code: "// A comment.\nconst half: u32 = 0.5;\n" });
    await expect(compile(makeShader("broken", parts))).rejects.toMatchObject({
      code: "shader-failed",
      detail: expect.stringMatching(/^lib\/bad\.wgsl:2:19 error: .*\n {2}const half: u32 = 0\.5;$/m),
    });
  });
});
