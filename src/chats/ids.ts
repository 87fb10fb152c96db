// Random identifiers. crypto.randomUUID is missing on plain-http pages, where the conversation list must still work.

/** 128 random bits in hexadecimal. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** 64 random bits as a decimal, for a reply's seed. */
export function newSeed(): string {
  return (crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n).toString();
}
