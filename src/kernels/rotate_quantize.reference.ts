// Weights are rotated and quantised by the very function that the shader is held to.
export { rotateQuantize as rotateQuantizeReference } from "../quantize/int8";
