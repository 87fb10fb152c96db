// What was typed and not yet sent, for each conversation, so that a reload or a look elsewhere loses nothing. Gone with the tab.
const key = (conversation: string | null) => `gyre-draft:${conversation ?? "new"}`;

export function loadDraft(conversation: string | null): string {
  try {
    return sessionStorage.getItem(key(conversation)) ?? "";
  } catch {
    return ""; // Storage can be forbidden; a draft is not worth an error.
  }
}

export function saveDraft(conversation: string | null, text: string): void {
  try {
    if (text === "") sessionStorage.removeItem(key(conversation));
    else sessionStorage.setItem(key(conversation), text);
  } catch {
    // As above.
  }
}
