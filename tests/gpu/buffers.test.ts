import { expect, test } from "vitest";
import { Memory } from "../../src/gpu/buffers";
import { EngineError } from "../../src/protocol/errors";
import { useGpu } from "../setup/gpu";

const bench = useGpu();

test("bytes are counted by purpose, in whole vectors of 16", () =>
  bench.run(async ({ gpu: { device } }) => {
    const memory = new Memory(device);
    const weights = memory.storage("weights", "weights", 17);
    memory.storage("cache", "cache", 64);
    memory.uniform("uniform", 1);
    memory.readback("readback", 48);
    memory.upload("upload", "weights", new Uint8Array(3));
    expect(memory.bytes).toEqual({ weights: 48, cache: 64, scratch: 64 });
    expect([weights.size, weights.label]).toEqual([32, "weights"]);
    memory.free(weights);
    expect(memory.bytes).toEqual({ weights: 16, cache: 64, scratch: 64 });
    memory.free(weights);
    expect(memory.bytes.weights).toBe(16);
    memory.dispose();
    expect(memory.bytes).toEqual({ weights: 0, cache: 0, scratch: 0 });
  }));

test("more than the device allows is refused before the device is asked", () =>
  bench.run(async ({ gpu: { device } }) => {
    const memory = new Memory(device);
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const refusal = (allocate: () => GPUBuffer) => {
      try {
        allocate();
      } catch (error) {
        return error;
      }
      throw new Error("nothing was refused");
    };
    for (const error of [
      refusal(() => memory.storage("table", "weights", maxStorageBufferBindingSize + 16)),
      refusal(() => memory.readback("table", maxBufferSize + 16)),
      refusal(() => memory.uniform("table", maxBufferSize + 16)),
    ]) {
      expect(error).toBeInstanceOf(EngineError);
      expect(error).toMatchObject({ code: "out-of-memory" });
      expect((error as EngineError).detail).toMatch(/^table: \d+ bytes, limits \d+ \(buffer\) and \d+ \(binding\)$/);
    }
    expect(memory.bytes).toEqual({ weights: 0, cache: 0, scratch: 0 });
  }));

test.each([0, 1, 2, 3, 4, 5, 8, 11])("%i bytes from an odd place are written whole, the rest of their last word zero", (count) =>
  bench.run(async (lab) => {
    const buffer = lab.output(24);
    const source = Uint8Array.from({ length: count + 4 }, (_, i) => i + 1);
    lab.memory.write(buffer, 8, source.subarray(3, 3 + count));
    const expected = new Uint8Array(24).fill(0x5a);
    expected.fill(0, 8, 8 + Math.ceil(count / 4) * 4);
    expected.set(source.subarray(3, 3 + count), 8);
    expect(new Uint8Array(await lab.read(buffer), 0, 24)).toEqual(expected);
  }),
);

test("a new storage buffer holds zeros, an upload its data and zeros", () =>
  bench.run(async (lab) => {
    expect(await lab.words(lab.memory.storage("new", "scratch", 32), 8)).toEqual(new Uint32Array(8));
    expect(await lab.words(lab.upload(Uint8Array.of(1, 2, 3, 4, 5)), 4)).toEqual(Uint32Array.of(0x04030201, 5, 0, 0));
  }));
