import type { Cursor } from "./cursor.ts"

/**
 * A decimal number between a few bytes, such as `$16\r\n`. A codec that describes itself as a line is read in one pass where
 * it is a length or a count.
 */
export interface Line {
  readonly max: number
  /** The byte before the number, or -1. */
  readonly before: number
  /** The bytes behind the number, or -1. The second comes only with the first. */
  readonly after: number
  readonly afterThat: number
}

/** Puts bytes around a line, or returns `undefined` where they are more than a line can have. */
export const lineBetween = (
  line: Line | undefined,
  before: Uint8Array | undefined,
  after: Uint8Array | undefined
): Line | undefined => {
  if (line === undefined) return undefined
  if (before !== undefined && (before.length !== 1 || line.before >= 0)) return undefined
  if (after !== undefined && (after.length > 2 || line.after >= 0)) return undefined
  return {
    max: line.max,
    before: before?.[0] ?? line.before,
    after: after?.[0] ?? line.after,
    afterThat: after === undefined ? line.afterThat : after[1] ?? -1
  }
}

/** Reads a complete, valid line. Otherwise returns -1 and reads nothing: the codec itself finds the error, or waits. */
export const readLine = (c: Cursor, line: Line): number => {
  const { bytes, end } = c
  const { after, afterThat, before } = line
  let { at } = c
  if (before >= 0) {
    if (at >= end || bytes[at] !== before) return -1
    at++
  }
  const first = at
  let value = 0
  while (at < end) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
    at++
  }
  const length = at - first
  if (length === 0 || length > 9 || value > line.max || (length > 1 && bytes[first] === 0x30)) return -1
  if (after < 0) {
    // More digits may come.
    if (at === end) return -1
  } else {
    if (at >= end || bytes[at++] !== after) return -1
    if (afterThat >= 0 && (at >= end || bytes[at++] !== afterThat)) return -1
  }
  c.at = at
  return value
}
