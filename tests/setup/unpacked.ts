// The shipped model exists as INT8 only; as the floats that its codes stand for it can be run in full precision too.
import { parseModel } from "../../src/models/registry";
import { unrotate } from "../../src/quantize/int8";
import type { Checkpoint, TensorInfo } from "../../src/weights/source";

/** A W8A8 package as the Hugging Face folder that it could have been made from. */
export async function unpacked(checkpoint: Checkpoint): Promise<Checkpoint> {
  const widths = new Map(
    parseModel(checkpoint.config).linears.flatMap(({ names, inputs }) => names.map((name) => [name, inputs] as const)),
  );
  const tensors = new Map<string, TensorInfo>();
  const floats = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [name, info] of checkpoint.tensors) {
    if (info.dtype !== "I8") {
      tensors.set(name, info);
      continue;
    }
    const width = widths.get(name.slice(0, -".weight".length))!;
    const rows = info.shape[0]!;
    const codes = new Int8Array((await checkpoint.tensor(name)).buffer);
    const scales = new Float32Array((await checkpoint.tensor(`${name}_scale`)).buffer);
    floats.set(name, unrotate({ codes, scales }, width));
    tensors.set(name, { ...info, dtype: "F32", shape: [rows, width], begin: 0, end: rows * width * 4 });
  }
  return {
    ...checkpoint,
    packed: null,
    tensors,
    bytes: [...tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0),
    async tensor(name, from = 0, to) {
      const values = floats.get(name);
      const [rows = 0, width = 0] = tensors.get(name)?.shape ?? [];
      return values ? new Uint8Array(values.slice(from * width, (to ?? rows) * width).buffer) : checkpoint.tensor(name, from, to);
    },
  };
}
