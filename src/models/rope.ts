import { ANGLE_STEP } from "../kernels/rope_append";
import { countOf, type Json, numberOf, objectOf, unsupported } from "./config";

/** Rotary position embedding: how fast each pair of dimensions turns. */
export interface Rope {
  readonly frequencies: Float32Array<ArrayBuffer>; // radians a position, [rotaryDim / 2]
}

/**
 * Reads the rotary embedding from either spelling of config.json (`rope_scaling` before `rope_parameters` before top-level `rope_theta`).
 * Scaling: none, "linear", or "llama3" (Llama 3.1, 2024). Throws "model-unsupported" for others.
 */
export function parseRope(config: Json, headDim: number, defaultTheta: number): Rope {
  const parameters = objectOf(config, "rope_scaling") ?? objectOf(config, "rope_parameters") ?? {};
  const theta = numberOf({ ...config, ...parameters }, ["rope_theta"], defaultTheta);
  const { rope_type: type = parameters["type"] ?? "default" } = parameters;
  // As transformers does it: powers and quotients in f32.
  const plain = Float32Array.from({ length: headDim / 2 }, (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / headDim)));
  switch (type) {
    case "default":
      return { frequencies: plain };
    case "linear": {
      const factor = numberOf(parameters, ["factor"]);
      return { frequencies: plain.map((frequency) => frequency / factor) };
    }
    case "llama3":
      return { frequencies: plain.map(llama3(config, parameters)) };
    default:
      throw unsupported(`its rotary embedding is scaled by "${String(type)}", which is not known here`);
  }
}

/** Long wavelengths are slowed by `factor`, short ones kept, those between blended. */
function llama3(config: Json, parameters: Json): (frequency: number) => number {
  const factor = numberOf(parameters, ["factor"]);
  const low = numberOf(parameters, ["low_freq_factor"]);
  const high = numberOf(parameters, ["high_freq_factor"]);
  const original = countOf({ ...parameters, ...config }, ["original_max_position_embeddings", "max_position_embeddings"]);
  return (frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return frequency / factor;
    const smooth = (original / wavelength - low) / (high - low);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  };
}

/**
 * What rope_append turns positions 0 to `positions` - 1 by: cosine and sine at positions 0 to ANGLE_STEP - 1, then at every ANGLE_STEP-th,
 * [all these, pairs, 2]. Made on the host, as WGSL promises little for the sine of a large angle. Angles are f64: as f32, as in transformers,
 * those behind 65,536 positions would be off by up to 1/256.
 */
export function ropeAngles({ frequencies }: Rope, positions: number): Float32Array<ArrayBuffer> {
  const rows = ANGLE_STEP + Math.ceil(positions / ANGLE_STEP);
  const angles = new Float32Array(rows * frequencies.length * 2);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const position = row < ANGLE_STEP ? row : (row - ANGLE_STEP) * ANGLE_STEP;
    for (const frequency of frequencies) {
      angles[at++] = Math.cos(position * frequency);
      angles[at++] = Math.sin(position * frequency);
    }
  }
  return angles;
}
