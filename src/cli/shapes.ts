// Shapes of well-known models, for measuring with random weights.
import type { ModelShapeFile } from "../engine/random_checkpoint";
import { bad } from "./options";
import lfm12b from "./shapes/LFM2.5-1.2B.json";
import lfm350m from "./shapes/LFM2.5-350M.json";
import llama1b from "./shapes/Llama-3.2-1B.json";
import qwen306b from "./shapes/Qwen3-0.6B.json";
import smol135m from "./shapes/SmolLM2-135M.json";
import smol360m from "./shapes/SmolLM2-360M.json";
import stories15m from "./shapes/stories15M.json";
import stories42m from "./shapes/stories42M.json";
import stories110m from "./shapes/stories110M.json";

export const SHAPES: Readonly<Record<string, ModelShapeFile>> = {
  "LFM2.5-350M": lfm350m,
  "LFM2.5-1.2B": lfm12b,
  "Llama-3.2-1B": llama1b,
  "Qwen3-0.6B": qwen306b,
  "SmolLM2-135M": smol135m,
  "SmolLM2-360M": smol360m,
  stories15M: stories15m,
  stories42M: stories42m,
  stories110M: stories110m,
};

/** The shape of that name, cut to its first `layers` layers where that is asked for. Throws EngineError "bad-request" for an unknown name. */
export function shapeNamed(name: string, layers?: number): ModelShapeFile {
  const shape = SHAPES[name];
  if (!shape) throw bad(`There is no shape ${name}. Known are ${Object.keys(SHAPES).join(", ")}.`);
  if (layers === undefined) return shape;
  const { num_hidden_layers: all, layer_types: types, ...rest }: Record<string, unknown> = shape.config;
  if (layers > Number(all)) throw bad(`${name} has ${String(all)} layers, not ${layers}.`);
  const config = { ...rest, num_hidden_layers: layers, ...(Array.isArray(types) && { layer_types: types.slice(0, layers) }) };
  return { ...shape, config };
}
