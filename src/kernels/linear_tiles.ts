// The product of many rows, which linear_int8.ts chooses; its reference is that kernel's.
import code from "../../shaders/linear_tiles.wgsl?raw";
import { assemble } from "./parts";
import { byDot } from "./policy";

const shadersOf = (weights: "weights_int8" | "weights_int4") => {
  return byDot((dot) => assemble("linear_tiles", code, ["batch", dot, weights, "linear_output"]));
};

export const linearTilesShaders = { int8: shadersOf("weights_int8"), int4: shadersOf("weights_int4") };
