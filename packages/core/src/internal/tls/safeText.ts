const longest = 256

// Control and format characters (bidirectional ones among them), line and paragraph separators, private and unassigned
// code points, and lone surrogates.
const unsafe = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Makes text that a peer chose safe to print: unsafe characters as `\u{…}`, and at most 256 characters. */
export const safe = (text: string): string => {
  const characters = Array.from(text.slice(0, 2 * longest + 1))
  const short = characters.length > longest ? `${characters.slice(0, longest).join("")}…` : text
  return short.replaceAll(unsafe, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
