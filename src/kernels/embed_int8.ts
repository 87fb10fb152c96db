import code from "../../shaders/embed_int8.wgsl?raw";
import type { Dispatch, PassShape } from "../gpu/plan";
import { hadamardBlock, workspaceSize } from "../quantize/hadamard";
import { assemble } from "./parts";
import { type DeviceTraits, rowThreads } from "./policy";
import { expectShape } from "./rows";
import type { FloatRows, Int8Matrix } from "./tensors";

export const embedInt8Shader = assemble("embed_int8", code, ["int8", "hadamard"]);

export interface EmbedInt8 {
  readonly tokens: GPUBuffer; // u32 [rows]
  readonly table: Int8Matrix; // outputs: the vocabulary or a part of it, inputs: the hidden size
  readonly first?: number; // token of the table's first row; default 0. Rows of tokens that the table does not have are left alone
  readonly signs: GPUBuffer; // bits [inputs]
  readonly output: FloatRows;
}

/** Looks up one row a token of a rotated table, scales it and rotates it back. */
export function embedInt8(label: string, step: EmbedInt8, device: DeviceTraits): Dispatch {
  const { tokens, table, first = 0, signs, output } = step;
  expectShape(label, "output width", output.width, table.inputs);
  return {
    label,
    shader: embedInt8Shader,
    constants: {
      WIDTH: table.inputs,
      FIRST: first,
      COUNT: table.outputs,
      BLOCK: hadamardBlock(table.inputs),
      SIZE: workspaceSize(table.inputs),
      THREADS: rowThreads(device),
    },
    bindings: { tokens, table: table.codes, table_scales: table.scales, signs, output: output.values },
    grid: (shape: PassShape) => [shape.rows, 1, 1],
  };
}
