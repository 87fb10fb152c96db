/**
 * Whether a key belongs to an input method: the Enter that accepts its word, the Escape that drops it. Safari ends the composition before
 * it reports that key, and there only the key code tells.
 */
export function isComposing(event: KeyboardEvent): boolean {
  // oxlint-disable-next-line typescript/no-deprecated
  return event.isComposing || event.keyCode === 229;
}
