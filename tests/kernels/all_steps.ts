// Shapes of real models, and all that models of such shapes may be made of.
import type { Step } from "../../src/gpu/plan";
import { attention } from "../../src/kernels/attention";
import { attentionMerge } from "../../src/kernels/attention_merge";
import { embedFloat } from "../../src/kernels/embed_float";
import { embedInt8 } from "../../src/kernels/embed_int8";
import { gatedSilu } from "../../src/kernels/gated_silu";
import { kvCommit } from "../../src/kernels/kv_commit";
import { linearFloat } from "../../src/kernels/linear_float";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { candidates, type DeviceTraits, foldsNorm } from "../../src/kernels/policy";
import { rmsNorm } from "../../src/kernels/rms_norm";
import { ropeAppend } from "../../src/kernels/rope_append";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { sample } from "../../src/kernels/sample";
import { shortConv } from "../../src/kernels/short_conv";
import type { FloatRows, Rows } from "../../src/kernels/tensors";
import { traits } from "../setup/gpu";

export interface ModelShape {
  readonly name: string;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  readonly taps: number; // of the short convolution
}

export const models: readonly ModelShape[] = [
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
export function allSteps(model: ModelShape, buffer: () => GPUBuffer): Step[] {
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
