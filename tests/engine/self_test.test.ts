import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { rowsAreIndependent } from "../../src/engine/row_independence";
import { Runner } from "../../src/engine/runner";
import { expectKernels } from "../../src/engine/self_test";
import { Memory } from "../../src/gpu/buffers";
import { type Gpu, openGpu } from "../../src/gpu/device";
import type { Dispatch } from "../../src/gpu/plan";
import { makeShader } from "../../src/gpu/shader";
import { BATCH_WORDS } from "../../src/kernels/batch";
import { SAMPLING_BYTES, sample, sampleSlices } from "../../src/kernels/sample";
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
    maxHeadRows: 16,
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

/** Watches what is submitted to a device, until `stop` says how many dispatches the longest submit had. */
function watchSubmits(device: GPUDevice): { stop(): number } {
  const pass: object = Object.getPrototypeOf(device.createCommandEncoder().beginComputePass());
  const dispatch = Object.getOwnPropertyDescriptor(pass, "dispatchWorkgroups")!;
  const submit = device.queue.submit.bind(device.queue);
  let dispatches = 0;
  let most = 0;
  Object.defineProperty(pass, "dispatchWorkgroups", {
    ...dispatch,
    value(this: GPUComputePassEncoder, ...args: unknown[]) {
      dispatches++;
      return Reflect.apply(dispatch.value as (...args: unknown[]) => unknown, this, args);
    },
  });
  Object.defineProperty(device.queue, "submit", {
    configurable: true,
    value: (buffers: GPUCommandBuffer[]) => {
      most = Math.max(most, dispatches);
      dispatches = 0;
      submit(buffers);
    },
  });
  return {
    stop() {
      Object.defineProperty(pass, "dispatchWorkgroups", dispatch);
      Reflect.deleteProperty(device.queue, "submit");
      return most;
    },
  };
}

// The short convolution and norms of queries and keys are LFM2's alone.
const faults = [
  ["rope_append", "fma(a, angle.x, -(b * angle.y))", "fma(a, angle.x, b * angle.y)"],
  ["rope_append", "workspace[place(i)] * inverse_rms", "inverse_rms"],
  ["rope_append", "fma(coarse.y, fine.x, coarse.x * fine.y)", "fine.y"],
  ["attention", "exp(fma(scores[i], factor, -top))", "exp(0.999 * fma(scores[i], factor, -top))"],
  ["attention", "chunk <= end", "chunk < end"],
  ["attention_merge", "sum / total", "sum / (total * 1.01)"],
  ["short_conv", "sum = fma(taps[column * TAPS + tap]", "sum = fma(taps[column * TAPS]"],
  ["short_conv", "earlier_start(TAPS - 1u - past - age)", "earlier_start(TAPS - past - age)"],
  ["rms_norm", "squares = fma(x, x, squares);", "squares = fma(x, x * 1.001, squares);"],
  ["gated_silu", "exp(-gate)", "exp(-1.05 * gate)"],
  ["sample", "gumbel(words[i])", "gumbel(words[3u - i])"],
  ["embed_int8", "table_row >= COUNT", "table_row >= COUNT - 1u"],
  ["embed_float", "table_row >= COUNT", "table_row >= COUNT - 1u"],
] as const;

describe.each([
  ["lfm2-odd-heads-f16", "w8a8"],
  ["lfm2-odd-heads-f16", "full"],
  ["stories260k", "w8a8"],
] as const)("%s, %s", (name, precision) => {
  test("this device passes, and passes again; whole passes are many submits", async () => {
    const { runner, dispatches, vocabulary } = await load(name, precision);
    await expectKernels(gpu, [dispatches]);
    await expectKernels(gpu, [dispatches]);
    const room = { contextLength: 200, maxRows: 20, maxHeadRows: 16, vocabulary, live: vocabulary - 3 };
    const watched = watchSubmits(gpu.device);
    expect(await rowsAreIndependent(runner, room)).toBe(true);
    expect(watched.stop()).toBeLessThan(Math.min(10, dispatches.length));
    gpu.check();
    runner.dispose();
  });

  const absent = precision === "full" ? "embed_int8" : "embed_float";
  const ofLfm2 = ([kernel, from]: (typeof faults)[number]) => kernel === "short_conv" || from.includes("rms");
  test.each(faults.filter((fault) => fault[0] !== absent && (name.startsWith("lfm2") || !ofLfm2(fault))))(
    "a fault in %s is seen",
    async (kernel, from, to) => {
      const { runner, dispatches } = await load(name, precision);
      await expect(expectKernels(gpu, [broken(dispatches, kernel, from, to)])).rejects.toMatchObject({
        code: "wrong-result",
        detail: expect.stringMatching(`^${kernel},`),
      });
      gpu.check();
      runner.dispose();
    },
  );
});

/** A draw from a vocabulary as large as few models have: by one workgroup, or by many that share the row. */
function largeDraw(memory: Memory, slice: number | null): readonly Dispatch[] {
  const [vocabulary, live] = [70_003, 70_000];
  return sample(
    "sample",
    {
      batch: memory.uniform("batch", BATCH_WORDS * 4),
      sampling: memory.uniform("sampling", SAMPLING_BYTES),
      logits: memory.storage("logits", "scratch", vocabulary * 4),
      vocabulary,
      live,
      counts: memory.storage("counts", "scratch", vocabulary * 4),
      sampled: memory.storage("sampled", "scratch", 4),
      tokens: memory.storage("tokens", "scratch", 4),
      ...(slice && { sliced: sampleSlices(memory, 1, live, slice) }),
    },
    gpu,
  );
}

const noise = ["gumbel(words[i])", "gumbel(words[3u - i])"] as const;

test.each([
  [
    "one workgroup",
    null,
    [
      noise,
      ["x *= sampling.inverse_temperature", "x *= 1.01 * sampling.inverse_temperature"],
      ["fma(-sampling.frequency", "fma(-0.9 * sampling.frequency"],
      ["sampling.top_k != 0u", "false"],
      ["+ sampling.log_min_p", "+ 8.0 * sampling.log_min_p"],
    ],
  ],
  ["many workgroups", 2048, [noise, ["sampling.top_p != 0u", "false"], ["bin--;", "bin -= min(bin, 2u);"]]],
] as const)("a draw of %s from a large vocabulary is right here, and a fault in it is seen", async (_, slice, drawFaults) => {
  const memory = new Memory(gpu.device);
  const dispatches = largeDraw(memory, slice);
  await expectKernels(gpu, [dispatches]);
  for (const [from, to] of drawFaults) {
    const isAtFault = ({ shader }: Dispatch) => shader.code.includes(from);
    const spoiled = dispatches.flatMap((dispatch) => (isAtFault(dispatch) ? broken([dispatch], "sample", from, to) : [dispatch]));
    await expect(expectKernels(gpu, [spoiled]), to).rejects.toMatchObject({ code: "wrong-result", detail: "sample, sample" });
  }
  gpu.check();
  memory.dispose();
});

const productFaults = [
  ["linear_row", "f32(sum) * scale", "f32(sum + 1) * scale"],
  ["linear_int8", "f32(sum) * scale", "f32(sum + 1) * scale"],
  ["linear_int8", "bias[column]", "bias[column] + 0.001"],
] as const;

describe.each([
  ["w8a8", [...productFaults]],
  [
    "w4a8",
    [
      ...productFaults,
      ["linear_int8", "& 15u) + 1u;", "& 15u) + 2u;"],
      ["linear_row", "codes & vec2<u32>(0x0f0f0f0fu)", "codes & vec2<u32>(0x0f0f0f07u)"],
    ],
  ],
  [
    "full",
    [
      ["linear_float", "fma(x.w, w.w,", "fma(x.w, w.z,"],
      ["linear_float", "words.x & 0xffff0000u", "words.y & 0xffff0000u"],
    ],
  ],
] as const)("products of %s", (precision, seen) => {
  test("are right here, the head's too, and a fault in one is seen", async () => {
    const { runner } = await load("lfm2-conv-bias-bf16", precision);
    const of = (rows: number) => runner.dispatches({ rows, headRows: 1 }).map(({ dispatch }) => dispatch);
    const passes = [of(1), of(3), of(20)];
    await expectKernels(gpu, passes);
    for (const [kernel, from, to] of seen) {
      const isAtFault = ({ shader }: Dispatch) => shader.name === kernel && shader.code.includes(from);
      const atFault = passes.flat().filter(isAtFault);
      expect(atFault.length).toBeGreaterThan(0);
      const spoiled = broken(atFault, kernel, from, to);
      const sound = passes.map((dispatches) => dispatches.filter((dispatch) => !isAtFault(dispatch)));
      await expect(expectKernels(gpu, [...sound, spoiled.slice(0, 1)]), `${kernel}: ${to}`).rejects.toMatchObject({
        code: "wrong-result",
        detail: expect.stringMatching(`^${kernel},`),
      });
    }
    gpu.check();
    runner.dispose();
  });
});
