import { EngineError } from "../protocol/errors";
import { PipelineCache } from "./pipelines";

/** An open GPU: the device, and what the rest of the engine may know of it. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly pipelines: PipelineCache; // of all models on the device, so that a second one with the same shapes compiles nothing
  readonly name: string; // as far as the browser tells
  readonly software: boolean; // a CPU pretends to be a GPU
  readonly packedDot: boolean; // WGSL has dot4I8Packed here
  readonly timestamps: boolean;
  /** Settles once, when the device is lost for another reason than `destroy()`. */
  readonly lost: Promise<EngineError>;
  /** Throws the first error that no error scope caught since the last call, if there was one. */
  check(): void;
}

// Asked for up to what the adapter has: the defaults (128 MiB a binding, 256 MiB a buffer) are too small for a real vocabulary.
const wantedLimits = ["maxBufferSize", "maxStorageBufferBindingSize"] as const;

/**
 * Opens the GPU that `gpu` (navigator.gpu, or the npm package `webgpu`) offers. Timestamps are asked for only when profiling, because the
 * feature may cost speed even while unused. Throws EngineError "no-webgpu" or "no-adapter".
 */
export async function openGpu(gpu: GPU | undefined, options: { readonly profile?: boolean } = {}): Promise<Gpu> {
  if (!gpu) throw new EngineError("no-webgpu", "This browser does not offer WebGPU.");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new EngineError("no-adapter", "WebGPU is available, but it found no graphics processor that it may use.");
  const timestamps = options.profile === true && adapter.features.has("timestamp-query");
  const request: GPUDeviceDescriptor = {
    label: "gyre",
    requiredFeatures: timestamps ? ["timestamp-query"] : [],
    requiredLimits: Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]])),
  };
  const device = await adapter.requestDevice(request).catch((error: unknown) => {
    throw new EngineError("no-adapter", "The graphics processor did not let itself be opened.", String(error));
  });

  let uncaptured: EngineError | null = null;
  device.addEventListener("uncapturederror", ({ error }) => {
    uncaptured ??= fromGpuError(error);
  });
  return {
    device,
    pipelines: new PipelineCache(device),
    name: describe(adapter.info),
    software: adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(describe(adapter.info)),
    packedDot: gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
    timestamps,
    lost: device.lost.then(({ reason, message }) => {
      if (reason === "destroyed") return new Promise<never>(() => {});
      return new EngineError("device-lost", "The graphics processor was reset or taken away.", message);
    }),
    check() {
      const error = uncaptured;
      uncaptured = null;
      if (error) throw error;
    },
  };
}

/** Runs `work` inside validation and out-of-memory scopes and throws what they caught. */
export async function inErrorScopes<T>(device: GPUDevice, work: () => T | Promise<T>): Promise<T> {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  try {
    return await work();
  } finally {
    const [invalid, exhausted] = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const error = exhausted ?? invalid;
    // Thrown from `finally` on purpose: what the GPU says explains whatever `work` threw because of it.
    // oxlint-disable-next-line no-unsafe-finally
    if (error) throw fromGpuError(error);
  }
}

function fromGpuError(error: GPUError): EngineError {
  // By name, not by instanceof: outside a browser the classes are not globals.
  if (error.constructor.name === "GPUOutOfMemoryError") {
    return new EngineError("out-of-memory", "The graphics processor has too little memory for this model.", error.message);
  }
  return new EngineError("shader-failed", "The graphics processor refused a command.", error.message);
}

function describe(info: GPUAdapterInfo): string {
  const parts = [info.vendor, info.architecture, info.device, info.description].filter((part) => part !== "");
  return [...new Set(parts)].join(" ") || "unnamed GPU";
}
