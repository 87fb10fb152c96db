// A shader is real WGSL in parts: a short header, functions from shaders/lib, and the kernel's own file. Parts are joined, never edited.

export interface ShaderPart {
  readonly name: string; // the file's name, for messages
  readonly code: string;
}

export interface Shader {
  readonly name: string;
  readonly parts: readonly ShaderPart[];
  readonly code: string;
  /** Binding index by variable name, read from the WGSL itself, so that host and shader cannot drift apart. */
  readonly bindings: ReadonlyMap<string, number>;
}

const bindingPattern = /@group\(0\)\s*@binding\((\d+)\)\s*var(?:<[^>]*>)?\s+(\w+)/g;

/** Joins parts into a shader. Throws if two bindings share an index, which is a mistake in how parts were combined. */
export function makeShader(name: string, parts: readonly ShaderPart[]): Shader {
  const code = parts.map((part) => part.code).join("\n");
  const bindings = new Map<string, number>();
  const taken = new Set<number>();
  for (const [, index, variable] of code.matchAll(bindingPattern)) {
    if (index === undefined || variable === undefined) continue;
    if (taken.has(Number(index))) throw new Error(`${name}: two variables are bound at ${index}`);
    taken.add(Number(index));
    bindings.set(variable, Number(index));
  }
  return { name, parts, code, bindings };
}

/** Where a line of the joined code comes from: the part's name, its own line, and the text of the line. */
export function locate(shader: Shader, line: number): { readonly part: string; readonly line: number; readonly text: string } {
  let before = 0;
  for (const part of shader.parts) {
    const lines = part.code.split("\n");
    if (line - before <= lines.length) return { part: part.name, line: line - before, text: lines[line - before - 1] ?? "" };
    before += lines.length;
  }
  return { part: shader.name, line, text: "" };
}
