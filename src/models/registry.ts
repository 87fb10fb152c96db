import { MAX_VOCABULARY } from "../kernels/sample";
import { damaged, type Json, unsupported } from "./config";
import type { Family, Model } from "./family";
import { lfm2 } from "./lfm2";
import { llama } from "./llama";
import { qwen3 } from "./qwen3";

const families: readonly Family[] = [lfm2, llama, qwen3];

/** Reads config.json with the family that its `model_type` names. Throws EngineError "model-unsupported" or "model-damaged". */
export function parseModel(config: Json): Model {
  const { model_type: type } = config;
  if (typeof type !== "string") throw damaged("model_type is missing");
  const family = families.find(({ modelType }) => modelType === type);
  if (!family)
    throw unsupported(`its type is ${type}, and only ${families.map(({ modelType }) => modelType).join(" and ")} are known here`);
  const model = family.parse(config);
  const { vocabularySize } = model.shape;
  if (vocabularySize > MAX_VOCABULARY)
    throw unsupported(`its vocabulary has ${vocabularySize} tokens, and ${MAX_VOCABULARY} are the most that can be drawn from`);
  return model;
}
