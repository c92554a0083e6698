/**
 * What people say, made safe for the terminals of others. Escape sequences go as a whole; control characters (C0, DEL, C1)
 * and what reorders text (bidirectional overrides and isolates) are left out; a tab becomes a space.
 */

/* oxlint-disable no-control-regex */
// ECMA-48: control sequences (CSI), control strings (OSC, DCS, SOS, PM, APC), and the shorter escapes. A string ends at
// any escape, as in terminals; nothing is looked at twice, however many beginnings have no end.
const escapes = new RegExp(
  [
    /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]/,
    /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?/,
    /\x1b[ -/]*[0-~]/
  ].map(({ source }) => source).join("|"),
  "g"
)

/* oxlint-enable no-control-regex */
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/gu

// Nearly all text is safe as it is.
const suspicious = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/u

/** Text that a terminal can be given, on one line. */
export const clean = (text: string): string =>
  suspicious.test(text) ? text.replace(escapes, "").replaceAll("\t", " ").replace(unsafe, "") : text

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Bytes as text; what is not UTF-8 becomes U+FFFD. */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)
