// What a command sees of the process that it runs in, so that a test can run one without a process.
export interface Terminal {
  /** Writes to stdout, which is for machines; resolves when it has been taken. */
  out(text: string): Promise<void>;
  /** A line on stderr, which is for people. */
  note(line: string): void;
  /** A line on stderr that the next one overwrites, where stderr is a screen; null removes it. */
  progress(line: string | null): void;
  readonly signal: AbortSignal; // Ctrl+C was pressed
}
