// A pass in many submits, for one of which nobody knows yet how long it takes: between submits a GPU draws the screen.
import type { Recorder } from "./plan";

const DISPATCHES = 8; // a submit: about a layer

/** Stands in for a compute pass: what is recorded is submitted a few dispatches at a time, before what the caller submits behind it. */
export function spread(device: GPUDevice): Recorder & { end(): void } {
  let dispatches = 0;
  let encoder = device.createCommandEncoder();
  let pass = encoder.beginComputePass();
  const submit = () => {
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
  return {
    setPipeline: (pipeline) => {
      if (dispatches === DISPATCHES) {
        submit();
        encoder = device.createCommandEncoder();
        pass = encoder.beginComputePass();
        dispatches = 0;
      }
      pass.setPipeline(pipeline);
    },
    setBindGroup: (index: number, bindGroup: GPUBindGroup | null | undefined) => pass.setBindGroup(index, bindGroup ?? null),
    dispatchWorkgroups: (x, y, z) => {
      dispatches++;
      pass.dispatchWorkgroups(x, y, z);
    },
    end: submit,
  };
}
