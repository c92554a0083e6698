/**
 * Text that a peer chose, made safe for a terminal or a log: it cannot move the cursor, start a new line, hide or reorder
 * characters, or fill the disk.
 *
 * Errors of this library and `ServerLog` use it for every message. Programs that print or log what a peer sent use it
 * themselves.
 *
 * **Example**
 *
 * ```ts
 * import * as SafeText from "@sluice/framing/SafeText"
 *
 * SafeText.escape("\u001b[2J all fine\n") // => "\\x1b[2J all fine\\n"
 * SafeText.escape("a".repeat(5000), { limit: 4 }) // => "aaaa…"
 * ```
 *
 * **Details**
 *
 * - Control characters (C0, DEL and C1), line and paragraph separators, bidirectional controls, invisible characters,
 *   unassigned and private-use code points and lone surrogates become escapes: `\n`, `\x1b`, `\u{202e}`.
 * - Everything else stays as it is, so letters of all scripts and most emoji remain readable.
 * - The result is for people. It cannot be parsed back, because a backslash in the input stays a backslash.
 *
 * @since 0.1.0
 */

/**
 * How long the result may be.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** UTF-16 code units kept, escapes included; `…` follows when something was cut. Default: 1,000. */
  readonly limit?: number | undefined
}

/**
 * Escapes text.
 *
 * @since 0.1.0
 * @category conversions
 */
export const escape = (text: string, { limit = 1000 }: Options = {}): string => {
  if (text.length <= limit && !unsafe.test(text)) return text
  let safe = ""
  for (const character of text) {
    const shown = unsafe.test(character) ? escapeOf(character) : character
    if (safe.length + shown.length > limit) return `${safe}…`
    safe += shown
  }
  return safe
}

/**
 * Decodes bytes as UTF-8 and escapes them. Invalid bytes become U+FFFD, and one line ending at the end is removed.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromBytes = (bytes: Uint8Array, options: Options = {}): string => {
  const { limit = 1000 } = options
  // No character takes more than 4 bytes: what follows could not be shown.
  const text = new TextDecoder().decode(bytes.subarray(0, 4 * limit + 4))
  return escape(text.replace(/\r?\n$/, ""), options)
}

// C: controls, formats, surrogates, private use, unassigned. DI: invisible letters and selectors.
const unsafe = /[\p{C}\p{Zl}\p{Zp}\p{DI}]/u

const escapeOf = (character: string): string => {
  if (character === "\n") return "\\n"
  if (character === "\r") return "\\r"
  if (character === "\t") return "\\t"
  const hex = character.codePointAt(0)!.toString(16)
  return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`
}
