/** Hexadecimal SHA-256 of a text in UTF-8; undefined where the page's origin is not secure, which has no `crypto.subtle`. */
export async function sha256(text: string): Promise<string | undefined> {
  const digest = await globalThis.crypto.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  return digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
