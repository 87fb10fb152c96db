import { parseModel } from "../models/registry";

/** Operations of a model's linears, each multiply-add counted as two. */
export interface Operations {
  readonly body: number; // a row fed
  readonly head: number; // a row that wants logits
}

/** What config.json says that a pass computes; attention and what is not a product is left out. Throws as parseModel does. */
export function operationsOf(config: Readonly<Record<string, unknown>>): Operations {
  const sizes = parseModel(config).linears.map(({ outputs, inputs, table = false }) => ({
    table,
    operations: 2 * inputs * outputs.reduce((a, b) => a + b, 0),
  }));
  // The last table is the head: the embedding's own where the two are tied. A lookup computes nothing.
  const head = sizes.filter(({ table }) => table).at(-1)?.operations ?? 0;
  return { body: sizes.reduce((sum, { table, operations }) => sum + (table ? 0 : operations), 0), head };
}
