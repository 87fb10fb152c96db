// The product of many rows, which linear_int8.ts chooses; its reference is that kernel's.
import code from "../../shaders/linear_tiles.wgsl?raw";
import { assemble } from "./parts";

const shadersOf = (weights: "weights_int8" | "weights_int4") => ({
  dot_packed: assemble("linear_tiles", code, ["batch", "dot_packed", weights, "linear_output"]),
  dot_unpacked: assemble("linear_tiles", code, ["batch", "dot_unpacked", weights, "linear_output"]),
});

export const linearTilesShaders = { int8: shadersOf("weights_int8"), int4: shadersOf("weights_int4") };
