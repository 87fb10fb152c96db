import code from "../../shaders/embed_float.wgsl?raw";
import type { Dispatch, PassShape } from "../gpu/plan";
import { assemble } from "./parts";
import { expectShape } from "./rows";
import type { FloatMatrix, FloatRows } from "./tensors";

export const embedFloatShaders = {
  F32: assemble("embed_float", code, ["weight_f32"]),
  F16: assemble("embed_float", code, ["weight_f16"]),
  BF16: assemble("embed_float", code, ["weight_bf16"]),
};

export interface EmbedFloat {
  readonly tokens: GPUBuffer; // u32 [rows]
  readonly table: FloatMatrix; // outputs: the vocabulary or a part of it, inputs: the hidden size, a multiple of 4
  readonly first?: number; // token of the table's first row; default 0. Rows of tokens that the table does not have are left alone
  readonly output: FloatRows;
}

/** Looks up one row a token, widened to f32. */
export function embedFloat(label: string, { tokens, table, first = 0, output }: EmbedFloat): Dispatch {
  expectShape(label, "output width", output.width, table.inputs);
  return {
    label,
    shader: embedFloatShaders[table.type],
    constants: { WIDTH: table.inputs, FIRST: first, COUNT: table.outputs },
    bindings: { tokens, weight: table.weight, output: output.values },
    grid: (shape: PassShape) => [shape.rows, 1, 1],
  };
}
