import { expect, test } from "vitest";
import { locate, makeShader } from "../../src/gpu/shader";

const head = { name: "lib/head.wgsl", code: "@group(0) @binding(0) var<uniform> batch: Batch;\n" };
const body = {
  name: "body.wgsl",
  code: "// Two more.\n@group(0) @binding(3)\nvar<storage, read> input: array<f32>;\n@group(0) @binding(7) var<storage, read_write> output: array<f32>;\n",
};

test("bindings are read from the code, whatever the address space and the line breaks", () => {
  const shader = makeShader("test", [head, body]);
  expect([...shader.bindings]).toEqual([
    ["batch", 0],
    ["input", 3],
    ["output", 7],
  ]);
  expect(shader.code).toBe(`${head.code}\n${body.code}`);
});

test("two variables at one index are a mistake in how parts were combined", () => {
  const clash = { name: "clash.wgsl", code: "@group(0) @binding(3) var<storage, read> other: array<u32>;" };
  expect(() => makeShader("test", [head, body, clash])).toThrow("test: two variables are bound at 3");
});

test("every line of the joined code is found in its part", () => {
  const parts = [head, body, { name: "tail.wgsl", code: "const LAST = 1;" }];
  const shader = makeShader("test", parts);
  shader.code.split("\n").forEach((text, i) => {
    const found = locate(shader, i + 1);
    expect(found.text).toBe(text);
    expect(parts.find(({ name }) => name === found.part)?.code.split("\n")[found.line - 1]).toBe(text);
  });
  expect(locate(shader, 3)).toEqual({ part: "body.wgsl", line: 1, text: "// Two more." });
  expect(locate(shader, 8)).toEqual({ part: "tail.wgsl", line: 1, text: "const LAST = 1;" });
});

test("a line behind the end belongs to the whole shader", () => {
  expect(locate(makeShader("test", [head]), 99)).toEqual({ part: "test", line: 99, text: "" });
});
