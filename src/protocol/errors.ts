// The one error of the project. It has no imports, so every room may throw it, and it crosses the worker boundary whole.

export type ErrorCode =
  | "no-webgpu" // the browser has no WebGPU at all
  | "no-adapter" // WebGPU is there, but no GPU that it may use
  | "device-lost"
  | "out-of-memory"
  | "shader-failed" // a shader or pipeline did not compile, or a dispatch was invalid
  | "wrong-result" // the GPU computed something that the reference contradicts
  | "model-missing" // a file that the model needs is not there
  | "model-damaged" // a file is there but is not what it should be
  | "model-unsupported" // a sound model of a kind that this engine does not run
  | "storage-full"
  | "storage-failed"
  | "network" // a file of the app could not be fetched
  | "context-full" // the conversation does not fit the context any more
  | "bad-request" // arguments out of range
  | "busy"
  | "internal";

/** An error as it is sent between page and worker; a plain object survives structured cloning in every browser. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: string;
}

/** `message` is one sentence for people; `detail` is for the curious (a file, a shader's line, a limit), and may be empty. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, message: string, detail = "") {
    super(message);
    this.code = code;
    this.detail = detail;
  }

  toMessage(): ErrorMessage {
    return { code: this.code, message: this.message, detail: this.detail };
  }

  /** Any thrown value as an EngineError; what is not one already becomes "internal" with its stack as detail. */
  static from(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) return thrown;
    if (thrown instanceof Error) return new EngineError("internal", thrown.message, thrown.stack ?? "");
    return new EngineError("internal", String(thrown));
  }

  static fromMessage(message: ErrorMessage): EngineError {
    return new EngineError(message.code, message.message, message.detail);
  }
}
