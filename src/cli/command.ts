import { describeOptions, type Options, parseOptions, type Values } from "./options";
import type { Terminal } from "./terminal";

export interface Command {
  readonly name: string;
  readonly summary: string; // one line
  readonly help: string;
  run(args: readonly string[], terminal: Terminal): Promise<void>;
}

/** A command from the table of its options, so that the usage text cannot disagree with what is parsed. */
export function defineCommand<T extends Options>(spec: {
  readonly name: string;
  readonly summary: string;
  readonly usage: string; // what follows the name
  readonly notes?: string; // below the options
  readonly options: T;
  run(values: Values<T>, terminal: Terminal): Promise<void>;
}): Command {
  const { name, summary, usage, notes = "", options } = spec;
  return {
    name,
    summary,
    help: `${summary}\n\nUsage: gyre ${name} ${usage}\n\n${describeOptions(options)}${notes === "" ? "" : `\n${notes}\n`}`,
    run: (args, terminal) => spec.run(parseOptions(args, options), terminal),
  };
}
