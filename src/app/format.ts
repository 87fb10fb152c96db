// Numbers as people read them.
import type { EndReason, LoadProgress, ModelEntry, ReplyStats } from "../protocol/messages";

const decimal = (digits: number) => new Intl.NumberFormat("en", { maximumFractionDigits: digits });

/** Bytes in decimal units, as operating systems and browsers show file sizes. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${decimal(0).format(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${decimal(1).format(bytes / 1e6)} MB`;
  return `${decimal(2).format(bytes / 1e9)} GB`;
}

export function formatMs(ms: number): string {
  return ms < 1000 ? `${decimal(0).format(ms)} ms` : `${decimal(1).format(ms / 1000)} s`;
}

export function formatRate(tokensPerSecond: number): string {
  return `${decimal(tokensPerSecond < 10 ? 1 : 0).format(tokensPerSecond)} tokens/s`;
}

export function formatShare(part: number, whole: number): string {
  return whole === 0 ? "–" : `${decimal(0).format((100 * part) / whole)} %`;
}

/** A reply's figures, the most wanted first. */
export function formatFigures({ decodeTokensPerSecond, firstTokenMs, newTokens, speculation }: ReplyStats): string {
  const parts = [`first token ${formatMs(firstTokenMs)}`, newTokens === 1 ? "1 token" : `${newTokens} tokens`];
  if (decodeTokensPerSecond > 0) parts.unshift(formatRate(decodeTokensPerSecond));
  if (speculation !== null) {
    parts.push(`${speculation.tokensPerPass.toFixed(1)} tokens a pass`);
    parts.push(`${formatShare(speculation.accepted, speculation.proposed)} of drafts accepted`);
  }
  return parts.join(" · ");
}

export function formatParameters(count: number): string {
  if (count <= 0) return "";
  return count < 1e9 ? `${decimal(count < 1e7 ? 1 : 0).format(count / 1e6)}M parameters` : `${decimal(1).format(count / 1e9)}B parameters`;
}

const PRECISIONS: Readonly<Record<ModelEntry["precision"], string>> = { full: "full precision", w8a8: "INT8", w4a8: "INT4" };

export function formatModel(entry: ModelEntry): string {
  return [entry.family, formatParameters(entry.parameters), PRECISIONS[entry.precision], formatBytes(entry.bytes)]
    .filter((part) => part !== "")
    .join(" · ");
}

/** The share that is done in whole percent, or null where it cannot be told yet. */
export function percent(progress: LoadProgress | null): number | null {
  if (progress === null || progress.total <= 0) return null;
  return Math.min(100, Math.floor((100 * progress.done) / progress.total));
}

const PHASES: Readonly<Record<LoadProgress["phase"], string>> = {
  download: "Downloading",
  import: "Converting",
  compile: "Preparing your GPU",
  upload: "Moving to your GPU",
};

export function formatProgress(progress: LoadProgress | null): string {
  if (progress === null) return "Preparing";
  const share = percent(progress);
  return share === null ? PHASES[progress.phase] : `${PHASES[progress.phase]} ${share} %`;
}

/** What to say of a reply that did not end by itself; empty for one that did. */
export function formatEnd(end: EndReason): string {
  switch (end) {
    case "stop":
      return "";
    case "length":
      return "Cut at the length set in Settings";
    case "context":
      return "The model's context is full: start a new chat, or a larger model remembers more";
    case "aborted":
      return "Stopped";
    default:
      return end satisfies never;
  }
}
