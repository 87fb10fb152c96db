// A GPU on paper: it takes every command and does nothing, so that a model of any size can be laid out and its bytes be counted.
import { nodeGpu } from "../../src/cli/node_gpu";
import type { Gpu } from "../../src/gpu/device";
import { PipelineCache } from "../../src/gpu/pipelines";

const LIMIT = 2 ** 31 - 4;

export function paperGpu(traits: { readonly packedDot: boolean; readonly software: boolean }): Gpu {
  nodeGpu({ compileOnly: true }); // for the flags' names, which a browser has as globals
  const nothing = () => {};
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: nothing,
    clearBuffer: nothing,
    finish: () => ({}),
  };
  const device = {
    limits: { maxBufferSize: LIMIT, maxStorageBufferBindingSize: LIMIT },
    createBuffer: ({ label, size }: GPUBufferDescriptor) => ({ label, size, destroy: nothing }),
    createShaderModule: () => ({}),
    createComputePipelineAsync: async () => ({ getBindGroupLayout: () => ({}) }),
    createBindGroup: () => ({}),
    createCommandEncoder: () => encoder,
    pushErrorScope: nothing,
    popErrorScope: async () => null,
    queue: { writeBuffer: nothing, submit: nothing, onSubmittedWorkDone: async () => undefined },
  } as unknown as GPUDevice;
  return {
    device,
    pipelines: new PipelineCache(device),
    name: "paper",
    timestamps: false,
    lost: new Promise(() => {}),
    check: nothing,
    ...traits,
  };
}
