// A forward pass is planned once, at load: every pipeline compiled, every bind group made. A token then costs no allocation and no lookup.
import { EngineError } from "../protocol/errors";
import type { Constants, PipelineCache } from "./pipelines";
import type { Shader } from "./shader";

/** How many rows a pass has; grids are functions of it, and nothing else changes from pass to pass. */
export interface PassShape {
  readonly rows: number; // tokens fed
  readonly headRows: number; // of these, the last ones that want logits
  readonly position?: number; // of the first; without it, grids reach as far as the context
  readonly thresholds?: number; // that a draw looks for, at most 2; without it as many
}

export type Grid = readonly [x: number, y: number, z: number]; // workgroups

/** One dispatch as a kernel's front door describes it; `bindings` are by the shader's variable names. */
export interface Dispatch {
  readonly label: string;
  readonly shader: Shader;
  readonly constants: Constants;
  readonly bindings: Readonly<Record<string, GPUBuffer>>;
  grid(shape: PassShape): Grid;
  /** Whether this variant is meant for such a pass; without it, for any. */
  fits?(shape: PassShape): boolean;
}

/** One step of a plan: variants of a kernel with equal results; the first that fits the pass is run. */
export type Step = readonly Dispatch[];

/** What a plan records into: a compute pass, or a profiler that makes one of each dispatch. */
export type Recorder = Pick<GPUComputePassEncoder, "setPipeline" | "setBindGroup" | "dispatchWorkgroups">;

interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly dispatch: Dispatch;
}

export class Plan {
  readonly #steps: readonly (readonly Compiled[])[];

  private constructor(steps: readonly (readonly Compiled[])[]) {
    this.#steps = steps;
  }

  /** Compiles all pipelines side by side. `onProgress` hears how many of the variants are done. */
  static async compile(
    device: GPUDevice,
    pipelines: PipelineCache,
    steps: readonly Step[],
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<Plan> {
    const total = steps.reduce((sum, step) => sum + step.length, 0);
    let done = 0;
    const compile = async (dispatch: Dispatch): Promise<Compiled> => {
      const pipeline = await pipelines.get(dispatch.shader, dispatch.constants);
      onProgress(++done, total);
      return { pipeline, bindGroup: makeBindGroup(device, pipeline, dispatch), dispatch };
    };
    return new Plan(await Promise.all(steps.map((step) => Promise.all(step.map(compile)))));
  }

  /** Records every step for a pass of this shape; steps whose grid is empty are left out. */
  record(pass: Recorder, shape: PassShape): void {
    for (const variants of this.#steps) {
      const { pipeline, bindGroup, dispatch } = choose(variants, shape);
      const [x, y, z] = dispatch.grid(shape);
      if (x * y * z === 0) continue;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    }
  }

  /** What `record` dispatches for such a pass, in its order. */
  dispatches(shape: PassShape): readonly Dispatch[] {
    const chosen = this.#steps.map((variants) => choose(variants, shape).dispatch);
    return chosen.filter((dispatch) => dispatch.grid(shape).every((workgroups) => workgroups > 0));
  }
}

function choose(variants: readonly Compiled[], shape: PassShape): Compiled {
  const chosen = variants.find(({ dispatch }) => dispatch.fits?.(shape) ?? true);
  if (!chosen) throw new EngineError("internal", `No variant takes ${shape.rows} rows.`, variants[0]?.dispatch.label ?? "");
  return chosen;
}

function makeBindGroup(device: GPUDevice, pipeline: GPUComputePipeline, dispatch: Dispatch): GPUBindGroup {
  const { label, shader, bindings } = dispatch;
  const unknown = Object.keys(bindings).filter((name) => !shader.bindings.has(name));
  if (unknown.length > 0) throw new EngineError("internal", `${label}: ${shader.name} binds no ${unknown.join(", ")}.`);
  const entries = Array.from(shader.bindings, ([name, binding]) => {
    const buffer = bindings[name];
    if (!buffer) throw new EngineError("internal", `${label}: ${shader.name} needs a buffer for ${name}.`);
    return { binding, resource: { buffer } };
  });
  return device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
}
