import { afterEach, expect, test, vi } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { type Gpu, inErrorScopes, openGpu } from "../../src/gpu/device";
import { PipelineCache } from "../../src/gpu/pipelines";
import { makeShader } from "../../src/gpu/shader";

const code = (name: string) => `override COUNT: u32;
var<workgroup> ${name}: array<u32, COUNT>;
@compute @workgroup_size(1) fn main() {
  ${name}[0] = 1u;
}
`;
const shader = (name: string) => makeShader(name, [{ name: `${name}.wgsl`, code: code(name) }]);

let opened: Promise<Gpu> | undefined;
async function openCache() {
  const gpu = await (opened ??= openGpu(nodeGpu({ compileOnly: true })));
  const modules = vi.spyOn(gpu.device, "createShaderModule");
  const pipelines = vi.spyOn(gpu.device, "createComputePipelineAsync");
  return { gpu, cache: new PipelineCache(gpu.device), modules, pipelines };
}

afterEach(() => {
  vi.restoreAllMocks();
});

test("a shader with its constants is compiled once, also when it is asked for while it compiles", async () => {
  const { cache, modules, pipelines } = await openCache();
  const [a, b] = await Promise.all([cache.get(shader("one"), { COUNT: 4 }), cache.get(shader("one"), { COUNT: 4 })]);
  expect(a).toBe(b);
  expect(await cache.get(shader("one"), { COUNT: 4 })).toBe(a);
  expect(modules).toHaveBeenCalledTimes(1);
  expect(pipelines).toHaveBeenCalledTimes(1);
});

test("other constants make another pipeline of the same module; other code makes another module", async () => {
  const { cache, modules, pipelines } = await openCache();
  const four = await cache.get(shader("one"), { COUNT: 4 });
  const five = await cache.get(shader("one"), { COUNT: 5 });
  expect(five).not.toBe(four);
  expect(modules).toHaveBeenCalledTimes(1);
  expect(await cache.get(shader("two"), { COUNT: 4 })).not.toBe(four);
  expect(modules).toHaveBeenCalledTimes(2);
  expect(pipelines).toHaveBeenCalledTimes(3);
});

test("inside error scopes, a shader that does not compile still throws what says where", async () => {
  const { gpu, cache } = await openCache();
  const broken = makeShader("broken", [{ name: "broken.wgsl", code: "@compute @workgroup_size(1) fn main() {\n  let x: f32 = 1u;\n}\n" }]);
  await expect(inErrorScopes(gpu.device, () => cache.get(broken, {}))).rejects.toMatchObject({
    code: "shader-failed",
    detail: expect.stringContaining("broken.wgsl:2:"),
  });
  gpu.check();
});

test("where the code is sound but makes no pipeline, the reason is given, before any warnings", async () => {
  const { cache } = await openCache();
  const warned = makeShader("warned", [
    { name: "warned.wgsl", code: code("warned").replace(";\n}", ";\n  return;\n  warned[1] = 2u;\n}") },
  ]);
  const tooMany = cache.get(warned, { COUNT: 4097 });
  await expect(tooMany).rejects.toMatchObject({ code: "shader-failed", message: "The shader warned does not compile." });
  const { detail } = (await tooMany.catch((error: unknown) => error)) as { detail: string };
  expect(detail).toMatch(/^[^\n]*workgroup storage \(16400 bytes\)/);
  expect(detail).toContain("warned.wgsl:6:");
  await expect(cache.get(shader("one"), {})).rejects.toMatchObject({ detail: expect.stringContaining("COUNT") });
});
