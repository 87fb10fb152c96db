// Every shader in every variant, with the constants of real models, on a device that compiles and validates but runs nothing. The device has
// WebGPU's default limits, so it refuses what some user's GPU would refuse.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { type Gpu, inErrorScopes, openGpu } from "../../src/gpu/device";
import { PipelineCache } from "../../src/gpu/pipelines";
import { Plan, type Step } from "../../src/gpu/plan";
import { makeShader, type Shader } from "../../src/gpu/shader";
import { assemble } from "../../src/kernels/parts";
import { allSteps, type ModelShape, models } from "./all_steps";

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
