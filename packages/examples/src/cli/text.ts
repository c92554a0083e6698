/**
 * Bytes from the network as text that a terminal can be given: invalid UTF-8 is replaced, a line end at the end is left
 * out, and control characters, which could forge output, are escaped.
 */
export const printable = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes).replace(/\r?\n$/, "").replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => character === "\t" ? character : JSON.stringify(character).slice(1, -1)
  )
