import { indexOfByte } from "./bytes/byteSearch.ts"
import type { Finder } from "./delimiterScanner.ts"

/** What ends a line: "strict" is CR LF where a CR or LF elsewhere is an error. */
export type LineEnding = "any" | "lf" | "crlf" | "strict"

/** A finder of line endings, which says of the one it found whether it is a CR or LF on its own that must not be. */
export interface LineFinder extends Finder {
  readonly bare: boolean
}

const CR = 0x0d
const LF = 0x0a

export const lineFinder = (ending: LineEnding): LineFinder => {
  switch (ending) {
    case "any":
      return new AnyFinder()
    case "lf":
      return new LfFinder()
    case "crlf":
      return new CrlfFinder()
    case "strict":
      return new StrictFinder()
  }
}

class LfFinder implements LineFinder {
  readonly sought = LF
  readonly bare = false
  readonly size = 1
  find(bytes: Uint8Array, start: number, from: number, end: number): number {
    const at = indexOfByte(bytes, LF, start + from, end)
    return at < 0 ? -1 - (end - start) : at - start
  }
}

class AnyFinder implements LineFinder {
  readonly sought = LF
  readonly bare = false
  size = 1
  find(bytes: Uint8Array, start: number, from: number, end: number): number {
    const at = indexOfByte(bytes, LF, start + from, end)
    // An LF that comes next would make a CR at the end part of the ending.
    if (at < 0) return end > start && bytes[end - 1] === CR ? start - end : -1 - (end - start)
    this.size = at > start && bytes[at - 1] === CR ? 2 : 1
    return at - start + 1 - this.size
  }
}

class CrlfFinder implements LineFinder {
  readonly sought = undefined
  readonly bare = false
  readonly size = 2
  find(bytes: Uint8Array, start: number, from: number, end: number): number {
    for (let at = start + from;; at++) {
      at = indexOfByte(bytes, CR, at, end)
      if (at < 0) return -1 - (end - start)
      if (at + 1 === end) return -1 - (at - start)
      if (bytes[at + 1] === LF) return at - start
    }
  }
}

class StrictFinder implements LineFinder {
  readonly sought = undefined
  bare = false
  size = 2
  find(bytes: Uint8Array, start: number, from: number, end: number): number {
    const lf = indexOfByte(bytes, LF, start + from, end)
    const cr = indexOfByte(bytes, CR, start + from, lf < 0 ? end : lf)
    this.bare = false
    if (cr < 0 && lf < 0) return -1 - (end - start)
    if (cr >= 0 && cr + 1 === end) return -1 - (cr - start)
    this.bare = cr < 0 || cr + 1 !== lf
    this.size = this.bare ? 0 : 2
    return (cr < 0 ? lf : cr) - start
  }
}
