const LONGEST = 48; // characters

/** A conversation's title from its first message: the first line that says something, cut at a word where it is long. */
export function titleFrom(message: string): string {
  const line = message
    .split("\n")
    .map((text) => text.replace(/^[\s#>*`-]+/, "").trim())
    .find((text) => text !== "");
  if (line === undefined) return "New chat";
  const characters = [...line];
  if (characters.length <= LONGEST) return line;
  const cut = characters.slice(0, LONGEST).join("");
  const space = cut.lastIndexOf(" ");
  return `${(space > LONGEST / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
