// The halves of a transformer layer that the families share.
import type { FloatRows, Rows } from "../kernels/tensors";
import type { Builder } from "./builder";
import { unsupported } from "./config";
import { type Rope, ropeAngles } from "./rope";
import type { LinearSpec, WeightLoader } from "./weights";

/** Throws "model-unsupported" for heads that the attention kernels do not take. */
export function expectHeads(heads: number, kvHeads: number, headDim: number): void {
  if (heads % kvHeads !== 0) throw unsupported(`${heads} query heads cannot share ${kvHeads} key and value heads`);
  if (headDim % 4 !== 0 || headDim > 256)
    throw unsupported(`its heads are ${headDim} wide, and only multiples of 4 up to 256 are known here`);
}

export function linear(name: string, outputs: number, inputs: number): LinearSpec {
  return { names: [name], outputs: [outputs], inputs };
}

/** Grouped-query attention: `prefix` is "model.layers.3.self_attn.". */
export interface AttentionSpec {
  readonly prefix: string;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly outputName: string; // "o_proj" or "out_proj"
  readonly bias: boolean; // of all four projections
  readonly norms: readonly [query: string, key: string] | null; // tensors of the per-head norms
  readonly epsilon: number;
}

export function attentionLinears(spec: AttentionSpec): readonly [qkv: LinearSpec, output: LinearSpec] {
  const { prefix, hidden, heads, kvHeads, headDim, outputName } = spec;
  const outputs = [heads * headDim, kvHeads * headDim, kvHeads * headDim];
  const names = ["q_proj", "k_proj", "v_proj"].map((name) => prefix + name);
  return [{ names, outputs, inputs: hidden }, linear(prefix + outputName, hidden, heads * headDim)];
}

/** residual += attention(input). */
export async function attentionBlock(
  builder: Builder,
  weights: WeightLoader,
  spec: AttentionSpec,
  angles: GPUBuffer,
  rotaryDim: number,
  input: Rows,
  residual: FloatRows,
): Promise<void> {
  const { prefix, heads, kvHeads, headDim, epsilon, norms } = spec;
  const [qkvSpec, outputSpec] = attentionLinears(spec);
  const qkv = builder.linear(`${prefix}qkv`, input, await weights.matrix(qkvSpec), builder.float("qkv", (heads + 2 * kvHeads) * headDim), {
    bias: spec.bias ? await biases(weights, qkvSpec) : null,
  });
  const layer = { heads, kvHeads, headDim, angles, rotaryDim, epsilon, norms: norms && (await weights.vectors(norms, [headDim, headDim])) };
  const attended = builder.attention(prefix, qkv, layer);
  builder.addLinear(`${prefix}output`, attended, await weights.matrix(outputSpec), residual, {
    bias: spec.bias ? await biases(weights, outputSpec) : null,
  });
}

/** Gated feed-forward layer: residual += down(silu(gate(input)) * up(input)). */
export interface FeedForwardSpec {
  readonly prefix: string; // "model.layers.3.mlp."
  readonly hidden: number;
  readonly width: number;
  readonly names: readonly [gate: string, up: string, down: string];
  readonly bias: boolean;
}

export function feedForwardLinears({ prefix, hidden, width, names }: FeedForwardSpec): readonly [gateUp: LinearSpec, down: LinearSpec] {
  const [gate, up, down] = names;
  return [{ names: [prefix + gate, prefix + up], outputs: [width, width], inputs: hidden }, linear(prefix + down, hidden, width)];
}

export async function feedForwardBlock(
  builder: Builder,
  weights: WeightLoader,
  spec: FeedForwardSpec,
  input: Rows,
  residual: FloatRows,
): Promise<void> {
  const { prefix, width, bias } = spec;
  const [gateUpSpec, downSpec] = feedForwardLinears(spec);
  const gateUp = builder.linear(`${prefix}gate_up`, input, await weights.matrix(gateUpSpec), builder.float("gate_up", 2 * width), {
    bias: bias ? await biases(weights, gateUpSpec) : null,
  });
  const gated = builder.gated(`${prefix}gated`, gateUp);
  builder.addLinear(`${prefix}down`, gated, await weights.matrix(downSpec), residual, {
    bias: bias ? await biases(weights, downSpec) : null,
  });
}

export function biases(weights: WeightLoader, { names, outputs }: LinearSpec): Promise<GPUBuffer> {
  return weights.vectors(
    names.map((name) => `${name}.bias`),
    outputs,
  );
}

/** Turns for every position that the context has room for. */
export function uploadAngles(builder: Builder, rope: Rope): GPUBuffer {
  return builder.options.memory.upload("rope angles", "scratch", ropeAngles(rope, builder.options.context));
}
