import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { Runner } from "../../src/engine/runner";
import { expectRowsIndependent, selfTest } from "../../src/engine/self_test";
import { type Gpu, openGpu } from "../../src/gpu/device";
import type { Dispatch } from "../../src/gpu/plan";
import { makeShader } from "../../src/gpu/shader";
import { parseModel } from "../../src/models/registry";
import type { WeightPrecision } from "../../src/models/weights";
import { openFixture } from "../setup/models";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu(nodeGpu());
});
afterAll(() => gpu.device.destroy());

async function load(
  name: string,
  precision: WeightPrecision,
): Promise<{ runner: Runner; dispatches: readonly Dispatch[]; vocabulary: number }> {
  const checkpoint = await openFixture(name);
  const model = parseModel(checkpoint.config);
  const { vocabularySize: vocabulary } = model.shape;
  const runner = await Runner.load(gpu, model, checkpoint, {
    precision,
    cacheType: precision === "full" ? "f32" : "int8",
    context: 200,
    maxRows: 20,
    maxHeadRows: 1,
    live: vocabulary - 3,
    onWeights: () => {},
    onCompiled: () => {},
  });
  return { runner, vocabulary, dispatches: runner.dispatches({ rows: 1, headRows: 1 }).map(({ dispatch }) => dispatch) };
}

/** The dispatches with a fault in one kernel's shader, which is compiled and run like any other. */
function broken(dispatches: readonly Dispatch[], kernel: string, from: string, to: string): readonly Dispatch[] {
  return dispatches.map((dispatch) => {
    if (dispatch.shader.name !== kernel) return dispatch;
    expect(dispatch.shader.code).toContain(from);
    const parts = dispatch.shader.parts.map(({ name, code }) => ({ name, code: code.replace(from, to) }));
    return { ...dispatch, shader: makeShader(kernel, parts) };
  });
}

// The short convolution and norms of queries and keys are LFM2's alone.
const faults = [
  ["rope_append", "fma(a, angle.x, -(b * angle.y))", "fma(a, angle.x, b * angle.y)"],
  ["rope_append", "workspace[place(i)] * inverse_rms", "inverse_rms"],
  ["attention", "exp(fma(scores[i], factor, -top))", "exp(0.999 * fma(scores[i], factor, -top))"],
  ["attention", "chunk <= end", "chunk < end"],
  ["attention_merge", "sum / total", "sum / (total * 1.01)"],
  ["short_conv", "sum = fma(taps[column * TAPS + tap]", "sum = fma(taps[column * TAPS]"],
  ["short_conv", "earlier(TAPS - 1u - past - age, column)", "earlier(TAPS - past - age, column)"],
  ["rms_norm", "squares = fma(x, x, squares);", "squares = fma(x, x * 1.001, squares);"],
  ["gated_silu", "exp(-gate)", "exp(-1.05 * gate)"],
  ["sample", "gumbel(words[i])", "gumbel(words[3u - i])"],
] as const;

describe.each([
  ["lfm2-odd-heads-f16", "w8a8"],
  ["lfm2-odd-heads-f16", "full"],
  ["stories260k", "w8a8"],
] as const)("%s, %s", (name, precision) => {
  test("this device passes, and passes again", async () => {
    const { runner, dispatches, vocabulary } = await load(name, precision);
    await selfTest(gpu, dispatches);
    await selfTest(gpu, dispatches);
    await expectRowsIndependent(runner, vocabulary, 20);
    gpu.check();
    runner.dispose();
  });

  test.each(faults.filter(([kernel, from]) => name.startsWith("lfm2") || !(kernel === "short_conv" || from.includes("rms"))))(
    "a fault in %s is seen",
    async (kernel, from, to) => {
      const { runner, dispatches } = await load(name, precision);
      await expect(selfTest(gpu, broken(dispatches, kernel, from, to))).rejects.toMatchObject({ code: "wrong-result", detail: kernel });
      gpu.check();
      runner.dispose();
    },
  );
});
