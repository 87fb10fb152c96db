// What the kernels that make rows have in common: where rows go, as floats or rotated and quantised.
import type { Constants } from "../gpu/pipelines";
import type { Dispatch, PassShape } from "../gpu/plan";
import type { Shader } from "../gpu/shader";
import { hadamardBlock, workspaceSize } from "../quantize/hadamard";
import { assemble, type PartName } from "./parts";
import type { Rows } from "./tensors";

/**
 * Both variants of a kernel that makes rows; `uses` are the parts it needs besides those of its output, `via` those that bring its values there.
 */
export function rowShaders(
  name: string,
  code: string,
  uses: readonly PartName[],
  via: Record<Rows["kind"], readonly PartName[]> = { float: [], int8: ["rows_value"] },
): Record<Rows["kind"], Shader> {
  return {
    float: assemble(name, code, [...uses, ...via.float, "rows_float"]),
    int8: assemble(name, code, [...uses, "int8", "hadamard", ...via.int8, "quantised_row", "rows_int8"]),
  };
}

/** The dispatch of such a kernel: one workgroup a row. */
export function rowDispatch(
  label: string,
  shader: Shader, // the variant for the output's kind
  output: Rows,
  constants: Constants & { readonly THREADS: number },
  bindings: Readonly<Record<string, GPUBuffer>>,
  rows: (shape: PassShape) => number = (shape) => shape.rows,
): Dispatch {
  const grid = (shape: PassShape) => [rows(shape), 1, 1] as const;
  const width = { WIDTH: output.width };
  if (output.kind === "float") {
    return { label, shader, constants: { ...constants, ...width }, bindings: { ...bindings, output: output.values }, grid };
  }
  return {
    label,
    shader,
    constants: { ...constants, ...rotation(output.width) },
    bindings: { ...bindings, codes: output.codes, scales: output.scales, signs: output.signs },
    grid,
  };
}

/** Constants of a rotation of rows of this width. */
export function rotation(width: number) {
  return { WIDTH: width, BLOCK: hadamardBlock(width), SIZE: workspaceSize(width) };
}

/** Throws where a kernel is called with shapes that do not fit; a mistake in a model's file, never the user's. */
export function expectShape(label: string, what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${label}: ${what} is ${actual}, expected ${expected}`);
}
