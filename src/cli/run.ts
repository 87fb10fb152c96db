import { EngineError } from "../protocol/errors";
import { bench } from "./bench";
import type { Command } from "./command";
import { convert } from "./convert";
import { generate } from "./generate";
import { logits } from "./logits";
import { ngram } from "./ngram";
import { bad } from "./options";
import { perplexity } from "./perplexity";
import type { Terminal } from "./terminal";

const COMMANDS: readonly Command[] = [generate, logits, perplexity, convert, ngram, bench];

const HELP = `Gyre runs language models on this machine's GPU.

Usage: gyre COMMAND ...   (gyre COMMAND --help explains one)

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}  ${summary}\n`).join("")}
A model is a folder in Hugging Face layout, or a Gyre package.
`;

const INTERRUPTED = 130; // as shells report a process that Ctrl+C ended

/** Runs one command and returns the process's exit code: 0, 1 after one line that says what is wrong, or 130 after Ctrl+C. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === "--help" || name === "-h") await terminal.out(HELP);
    else await dispatch(name, rest, terminal);
    return terminal.signal.aborted ? INTERRUPTED : 0;
  } catch (error) {
    terminal.progress(null);
    if (terminal.signal.aborted) return INTERRUPTED;
    terminal.note(explain(EngineError.from(error)));
    return 1;
  }
}

async function dispatch(name: string | undefined, args: readonly string[], terminal: Terminal): Promise<void> {
  if (name === undefined) throw bad("There is no command. Try gyre --help.");
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw bad(`There is no command ${JSON.stringify(name)}. Try gyre --help.`);
  if (args.includes("--help") || args.includes("-h")) await terminal.out(command.help);
  else await command.run(args, terminal);
}

/** One line for what a user can mend; a fault of Gyre's own also says where it is. */
function explain({ code, message, detail }: EngineError): string {
  if (code === "internal") return `gyre: internal error: ${detail || message}`;
  const [first = ""] = detail.split("\n");
  return `gyre: ${message}${first === "" ? "" : ` (${first})`}`.replaceAll(/\s*[\r\n]+\s*/g, " ");
}
