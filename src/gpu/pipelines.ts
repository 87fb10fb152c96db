import { EngineError } from "../protocol/errors";
import { locate, type Shader } from "./shader";

/** Override constants of a pipeline; booleans are 0 and 1. */
export type Constants = Readonly<Record<string, number>>;

/** Compiles each combination of code and constants once, also when it is asked for again while it compiles. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Throws EngineError "shader-failed" with the shader's name, the line and the source line of each message. */
  get(shader: Shader, constants: Constants): Promise<GPUComputePipeline> {
    const key = `${JSON.stringify(constants)}\n${shader.code}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(shader, constants);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(shader: Shader, constants: Constants): Promise<GPUComputePipeline> {
    let module = this.#modules.get(shader.code);
    if (!module) {
      // What is wrong with the code is told below, with its line; in an outer error scope it would hide that better account.
      this.#device.pushErrorScope("validation");
      module = this.#device.createShaderModule({ label: shader.name, code: shader.code });
      void this.#device.popErrorScope();
      this.#modules.set(shader.code, module);
    }
    try {
      return await this.#device.createComputePipelineAsync({
        label: shader.name,
        layout: "auto",
        compute: { module, entryPoint: "main", constants: { ...constants } },
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new EngineError("shader-failed", `The shader ${shader.name} does not compile.`, await explain(module, shader, reason));
    }
  }
}

async function explain(module: GPUShaderModule, shader: Shader, reason: string): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const lines = messages.map(({ type, message, lineNum, linePos }) => {
    const { part, line, text } = locate(shader, lineNum);
    return `${part}:${line}:${linePos} ${type}: ${message}\n  ${text}`;
  });
  // Sound code can still make no pipeline, for instance with constants that ask for too much workgroup memory.
  if (!messages.some(({ type }) => type === "error")) lines.unshift(reason);
  return lines.join("\n");
}
