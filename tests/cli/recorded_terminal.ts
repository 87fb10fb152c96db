// A Terminal that keeps what it is told.
import { run } from "../../src/cli/run";
import type { Terminal } from "../../src/cli/terminal";

export class RecordedTerminal implements Terminal {
  stdout = "";
  readonly notes: string[] = [];
  readonly #interrupt = new AbortController();
  readonly signal = this.#interrupt.signal;

  async out(text: string): Promise<void> {
    this.stdout += text;
  }

  note(line: string): void {
    this.notes.push(line);
  }

  progress(): void {}

  interrupt(): void {
    this.#interrupt.abort();
  }
}

/** Runs a command in this process. */
export async function runRecorded(...args: readonly string[]): Promise<{ code: number; stdout: string; notes: readonly string[] }> {
  const terminal = new RecordedTerminal();
  const code = await run(args, terminal);
  return { code, stdout: terminal.stdout, notes: terminal.notes };
}
