import type { FloatRows } from "../kernels/tensors";
import type { Builder } from "./builder";
import type { Json } from "./config";
import type { LinearSpec, WeightLoader } from "./weights";

/** What the engine wants to know of any model. */
export interface ModelShape {
  readonly vocabularySize: number;
  readonly maxPositions: number; // that the model was made for
}

/** A model as its config describes it: which linears it has, and how a pass goes. */
export interface Model {
  readonly shape: ModelShape;
  /** Every linear whose weights a package quantises, the embedding table among them. */
  readonly linears: readonly LinearSpec[];
  readonly epsilon: number; // of the norms before them
  /** Loads the weights and writes the pass into the builder. Returns the logits, [head rows, vocabulary]. */
  build(builder: Builder, weights: WeightLoader): Promise<FloatRows>;
}

/** One family of architectures, known by config.json's `model_type`. */
export interface Family {
  readonly modelType: string;
  /** Throws EngineError "model-damaged" or "model-unsupported". */
  parse(config: Json): Model;
}
