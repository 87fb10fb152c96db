// Random weights of a product, a few rows of which the host knows, and more of the same to be read in turn.
import type { Memory } from "../gpu/buffers";
import type { QuantisedMatrix } from "../kernels/tensors";
import { expandInt4, int4CodeBytes, int4GroupBytes } from "../quantize/int4";
import { type Int8Rows, paddedWidth } from "../quantize/int8";

const CHECKED_OUTPUTS = 24;
const TURN_BYTES = 128 * 1024 * 1024; // more than a GPU's caches hold

export interface TrialWeights {
  readonly matrix: QuantisedMatrix;
  readonly checked: readonly number[]; // outputs that the host knows the weights of
  readonly rows: Int8Rows; // those, as INT8 whatever the matrix is, padding included: [checked, padded inputs]
}

/** Weights of `outputs` rows from random bytes; `scales` are ones. The first row has the largest weights there are. */
export function trialWeights(
  device: GPUDevice,
  memory: Memory,
  kind: QuantisedMatrix["kind"],
  { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
  random: Int8Array<ArrayBuffer>,
  scales: GPUBuffer,
): TrialWeights {
  const count = Math.min(CHECKED_OUTPUTS, outputs);
  const checked = Array.from({ length: count }, (_, i) => Math.floor((i * (outputs - 1)) / Math.max(1, CHECKED_OUTPUTS - 1)));
  const ones = new Float32Array(count).fill(1);
  const bytes = new Uint8Array(random.buffer);
  const stride = paddedWidth(inputs);
  if (kind === "int8") {
    const codes = randomRows(device, memory, outputs, stride, checked, bytes, 127);
    return {
      checked,
      rows: { codes: new Int8Array(codes.rows.buffer), scales: ones },
      matrix: { kind, inputs, outputs, codes: codes.buffer, scales },
    };
  }
  // Half bytes of 1 to 15 are codes of -7 to 7; any half byte is a scale.
  const halves = bytes.map((byte) => (1 + ((byte & 15) % 15)) | ((1 + ((byte >> 4) % 15)) << 4));
  const codes = randomRows(device, memory, outputs, int4CodeBytes(inputs), checked, halves, 0xff);
  const groups = randomRows(device, memory, outputs, int4GroupBytes(inputs), checked, bytes, 0xff);
  return {
    checked,
    rows: expandInt4({ codes: codes.rows, groups: groups.rows, scales: ones }, stride),
    matrix: { kind, inputs, outputs, codes: codes.buffer, groups: groups.buffer, scales },
  };
}

export function matrixBytes(matrix: QuantisedMatrix): number {
  return matrix.codes.size + (matrix.kind === "int4" ? matrix.groups.size : 0);
}

/** How many matrices of so many bytes are read in turn: never more than the model has, whose weights will want that room anyway. */
export function inTurn(bytes: number, matrices: number): number {
  return Math.max(1, Math.min(matrices, Math.ceil(TURN_BYTES / bytes)));
}

/** `count` more matrices with the same weights, copied on the GPU. */
export function sameMatrices(device: GPUDevice, memory: Memory, matrix: QuantisedMatrix, count: number): readonly QuantisedMatrix[] {
  const same = (buffer: GPUBuffer) => {
    const copy = memory.storage("trial weights", "weights", buffer.size);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    device.queue.submit([encoder.finish()]);
    return copy;
  };
  return Array.from({ length: count }, () => {
    const codes = same(matrix.codes);
    return matrix.kind === "int4" ? { ...matrix, codes, groups: same(matrix.groups) } : { ...matrix, codes };
  });
}

/** A buffer of `outputs` rows of random bytes, and the checked ones of them, the first of which is all `most`. */
function randomRows(
  device: GPUDevice,
  memory: Memory,
  outputs: number,
  rowBytes: number, // a multiple of 4
  checked: readonly number[],
  random: Uint8Array<ArrayBuffer>,
  most: number,
): { readonly buffer: GPUBuffer; readonly rows: Uint8Array<ArrayBuffer> } {
  const buffer = memory.storage("trial weights", "weights", outputs * rowBytes);
  // Random bytes over and over, each time from another place, so that rows of a width that divides their count are not alike. The GPU copies
  // them: what the host writes, the browser would hold until the GPU has taken it, and that is tens of megabytes.
  const source = memory.upload("random bytes", "scratch", random.subarray(0, outputs * rowBytes));
  const encoder = device.createCommandEncoder();
  for (let done = 0, turn = 0; done < outputs * rowBytes; turn++) {
    const from = ((turn * 976) % (random.length / 2)) & ~15;
    const bytes = Math.min(random.length - from, outputs * rowBytes - done);
    encoder.copyBufferToBuffer(source, from, buffer, done, bytes);
    done += bytes;
  }
  device.queue.submit([encoder.finish()]);
  memory.free(source);
  const rows = new Uint8Array(checked.length * rowBytes);
  for (const [i, output] of checked.entries()) {
    const from = (i * 4096) % (random.length - rowBytes);
    const row = rows.subarray(i * rowBytes, (i + 1) * rowBytes);
    if (i === 0) row.fill(most);
    else row.set(random.subarray(from, from + rowBytes));
    memory.write(buffer, output * rowBytes, row);
  }
  return { buffer, rows };
}
