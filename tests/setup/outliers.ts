// A real model, stories260k, given outlier channels, in widths that the engine rotates and in widths that it does not: so what W8A8 costs with
// rotation and without is measured side by side on one engine.
import { parseModel } from "../../src/models/registry";
import { widen } from "../../src/quantize/floats";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";
import { concat, MemorySource, safetensors } from "../weights/memory_source";
import { randomFloats } from "./gpu";
import { openFixture } from "./models";

const HIDDEN = 64;

export interface Planting {
  readonly factor: number; // of the three channels of each norm that are scaled up
  readonly width: 64 | 256 | 1024; // channels of the residual stream: its own, or as many as the model that ships and LFM2.5-350M have
  /**
   * Channels more, always zero, there and in the feed-forward layer. Blocks have the largest power of two that divides a width, so with 1 they
   * have a single value, and what is left of the rotation are signs, which no symmetric code minds; only what attention hands to `o_proj`, where
   * nothing is planted, keeps its blocks of 64. Full precision takes 0 and 4.
   */
  readonly more: 0 | 1 | 4;
}

/**
 * The model with its norms' weights in the linears that read them, the residual stream turned into `width` channels by a random isometry, three
 * channels of each norm scaled up and the weights that read them scaled down: it computes what it did.
 */
export async function plantedModel({ factor, width, more }: Planting): Promise<Checkpoint> {
  const original = await openFixture("stories260k");
  const floats = async (name: string) => widen(await original.tensor(name), "F32");
  const hidden = width + more;
  const share = HIDDEN / hidden; // a norm divides by the root of a mean, which more channels make smaller
  const config = {
    ...original.config,
    hidden_size: hidden,
    intermediate_size: Number(original.config["intermediate_size"]) + more,
    head_dim: HIDDEN / Number(original.config["num_attention_heads"]),
    rms_norm_eps: Number(original.config["rms_norm_eps"]) * share,
    tie_word_embeddings: false, // the head reads a norm, the embedding does not
  };
  const spread = isometry(width);
  const outliers = [5, Math.floor(width / 3), width - 20];
  const plant = (channel: number) => (outliers.includes(channel) ? factor : 1);

  const tensors = new Map<string, Tensor>();
  for (const { names, outputs, inputs } of parseModel(config).linears) {
    for (const [i, name] of names.entries()) {
      const old = await floats(`${name === "lm_head" ? "model.embed_tokens" : name}.weight`);
      const values = new Float32Array(outputs[i]! * inputs);
      tensors.set(`${name}.weight`, { shape: [outputs[i]!, inputs], values });
      if (/\.(o_proj|down_proj)$/.test(name)) {
        // It writes to the residual stream: each of its columns is a vector there. The others read: each of their rows is one.
        const columns = old.length / HIDDEN;
        for (let column = 0; column < columns; column++) {
          const vector = Array.from({ length: HIDDEN }, (_, row) => old[row * columns + column]!);
          for (const [row, x] of spread(vector).entries()) values[row * inputs + column] = x;
        }
        continue;
      }
      const norm = normBefore(name);
      const gains = norm === null ? null : await floats(norm);
      for (let row = 0; row < old.length / HIDDEN; row++) {
        const vector = Array.from(old.subarray(row * HIDDEN, (row + 1) * HIDDEN), (x, k) => x * (gains?.[k] ?? 1));
        values.set(
          spread(vector).map((x, channel) => (gains ? x / plant(channel) : x)),
          row * inputs,
        );
      }
      if (norm === null) continue;
      const planted = Float32Array.from({ length: hidden }, (_, channel) => Math.sqrt(share) * plant(channel));
      tensors.set(norm, { shape: [hidden], values: planted });
    }
  }
  return openCheckpoint(new MemorySource({ "config.json": config, "model.safetensors": weightsFile(tensors) }));
}

interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

function weightsFile(tensors: ReadonlyMap<string, Tensor>): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  return safetensors(header, concat(...[...tensors.values()].map(({ values }) => new Uint8Array(values.buffer))));
}

/** The norm whose output a linear reads, if any. */
function normBefore(linear: string): string | null {
  if (linear === "lm_head") return "model.norm.weight";
  const [, layer, name = ""] = /^(model\.layers\.\d+\.)(.*)$/.exec(linear) ?? [];
  if (/^self_attn\.[qkv]_proj$/.test(name)) return `${layer}input_layernorm.weight`;
  return /^mlp\.(gate|up)_proj$/.test(name) ? `${layer}post_attention_layernorm.weight` : null;
}

/** Turns vectors of 64 into vectors of `width`, none of whose products change: by random orthonormal columns (Gram and Schmidt). */
function isometry(width: number): (vector: readonly number[]) => Float32Array {
  if (width === HIDDEN) return (vector) => Float32Array.from(vector);
  const random = randomFloats(width * HIDDEN, 71);
  const columns: Float64Array[] = [];
  for (let k = 0; k < HIDDEN; k++) {
    let column = Float64Array.from(random.subarray(k * width, (k + 1) * width));
    for (const other of columns) {
      const along = dot(column, other);
      column = column.map((x, i) => x - along * other[i]!);
    }
    const length = Math.sqrt(dot(column, column));
    columns.push(column.map((x) => x / length));
  }
  return (vector) => {
    const sums = new Float64Array(width);
    for (const [k, column] of columns.entries()) for (let i = 0; i < width; i++) sums[i] = sums[i]! + column[i]! * vector[k]!;
    return Float32Array.from(sums);
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}
