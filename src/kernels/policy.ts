// Which variant of a kernel runs where. Pure: what it needs to know of the device comes in as an argument.

/** What the choice of variants depends on. */
export interface DeviceTraits {
  readonly packedDot: boolean; // dot4I8Packed exists
  readonly software: boolean; // a CPU pretends to be a GPU: barriers are dear, and threads side by side gain nothing
}

export interface LinearVariant {
  readonly lanes: number; // threads that share the sums of four outputs
  readonly rows: 1 | 4; // rows a workgroup makes at once
  readonly maxRows?: number;
}

/**
 * Variants of an INT8 product with rows of `inputs` values, in ascending row count, for passes of at most `maxRows`. Their results are equal
 * bit for bit.
 */
export function linearInt8Variants(inputs: number, maxRows: number, device: DeviceTraits): readonly LinearVariant[] {
  // On a GPU sixteen neighbours read 256 consecutive bytes of a weight row; narrower rows keep fewer threads busy.
  const lanes = device.software ? 1 : Math.min(16, 2 ** Math.floor(Math.log2(Math.max(1, inputs / 16))));
  const alone: LinearVariant = { lanes, rows: 1, maxRows: 1 };
  return maxRows === 1 ? [alone] : [alone, { lanes, rows: 4 }];
}

/** Threads that share a float sum. It sets the order of the sum, so it may depend on the device but on nothing else. */
export function linearFloatLanes(device: DeviceTraits): number {
  return device.software ? 1 : 16;
}

/** Threads that draw one token together; 16 was usually fastest on the software adapter. */
export function sampleThreads(device: DeviceTraits): number {
  return device.software ? 16 : 256;
}

export function dotPart(device: DeviceTraits): "dot_packed" | "dot_unpacked" {
  return device.packedDot ? "dot_packed" : "dot_unpacked";
}

/** Threads that attend to one chunk of keys together. On the software adapter as many as go in step, so that a barrier costs nothing. */
export function attentionThreads(device: DeviceTraits): number {
  return device.software ? 4 : 64;
}

/** Threads that merge a row's chunks; on a GPU many, as there are few rows and they wait for memory. */
export function mergeThreads(device: DeviceTraits): number {
  return device.software ? 64 : 256;
}
