/** What comes from a keyboard, out of the bytes that a terminal in raw mode sends for it. */

/** A key other than text. */
export type Name =
  | "Enter"
  | "Tab"
  | "Backspace"
  | "Delete"
  | "Left"
  | "Right"
  | "Up"
  | "Down"
  | "Home"
  | "End"
  | "WordLeft"
  | "WordRight"
  | "DeleteWord"
  | "DeleteWordRight"
  | "DeleteToStart"
  | "DeleteToEnd"
  | "Yank"
  | "Redraw"
  | "Interrupt"
  | "EndOfInput"

/** A key, or text that was typed or pasted. */
export type Key =
  | { readonly _tag: "Press"; readonly name: Name }
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Paste"; readonly text: string }

const controls: Readonly<Record<string, Name>> = {
  "\x01": "Home",
  "\x02": "Left",
  "\x03": "Interrupt",
  "\x04": "EndOfInput",
  "\x05": "End",
  "\x06": "Right",
  "\x08": "Backspace",
  "\t": "Tab",
  "\n": "Enter",
  "\x0b": "DeleteToEnd",
  "\x0c": "Redraw",
  "\r": "Enter",
  "\x0e": "Down",
  "\x10": "Up",
  "\x15": "DeleteToStart",
  "\x17": "DeleteWord",
  "\x19": "Yank",
  "\x7f": "Backspace"
}

// What follows ESC, as xterm, VT220 and the Linux console send it.
const sequences: Readonly<Record<string, Name>> = {
  "[A": "Up",
  "[B": "Down",
  "[C": "Right",
  "[D": "Left",
  "[H": "Home",
  "[F": "End",
  "OA": "Up",
  "OB": "Down",
  "OC": "Right",
  "OD": "Left",
  "OH": "Home",
  "OF": "End",
  "[1~": "Home",
  "[3~": "Delete",
  "[4~": "End",
  "[7~": "Home",
  "[8~": "End",
  "[1;3C": "WordRight",
  "[1;3D": "WordLeft",
  "[1;5C": "WordRight",
  "[1;5D": "WordLeft",
  "[3;5~": "DeleteWordRight",
  "[3$": "Delete",
  "[7$": "Home",
  "[8$": "End",
  b: "WordLeft",
  f: "WordRight",
  d: "DeleteWordRight",
  "\x7f": "DeleteWord"
}

const pasteBegins = "\x1b[200~"
const pasteEnds = "\x1b[201~"
// oxlint-disable-next-line no-control-regex
const pasteEndsOrInterrupt = /\x1b\[201~|\x03/
const longestSequence = 32
const longestPaste = 65_536

// A complete sequence: a function key of the Linux console (ESC [ [ A), a shifted key of rxvt (ESC [ 3 $), CSI, SS3, or one
// character (Alt and a key).
// oxlint-disable-next-line no-control-regex
const sequence = /^\x1b(\[\[[\x20-\x7e]|\[\d+\$|\[[0-?]*[ -/]*[@-Z\\-~]|O[\x20-\x7e]|[^[O\x1b])/u
// oxlint-disable-next-line no-control-regex
const begun = /^\x1b(?:\[\[?|\[[0-?]*[ -/]*|O)?$/
const printable = /^\P{Cc}+/u

/** Reads keys out of text that may be cut anywhere. */
export class Reader {
  #left = ""
  // The text of a paste that has begun; it may come in many pieces.
  #pasted: string | undefined

  /** The keys that are whole. */
  feed(text: string): ReadonlyArray<Key> {
    this.#left += text
    const keys: Array<Key> = []
    for (let key = this.#next(); key !== undefined; key = this.#next()) {
      if (key !== "unknown") keys.push(key)
    }
    return keys
  }

  #next(): Key | "unknown" | undefined {
    const left = this.#left
    if (this.#pasted !== undefined) return this.#paste(this.#pasted)
    if (left === "") return undefined
    const text = printable.exec(left)?.[0]
    if (text !== undefined) return this.#take(text.length, { _tag: "Text", text })
    if (left.startsWith(pasteBegins)) {
      this.#left = left.slice(pasteBegins.length)
      return this.#paste("")
    }
    if (left[0] !== "\x1b") return this.#take(1, press(controls[left[0]!]))
    const match = sequence.exec(left)
    if (match !== null) return this.#take(match[0].length, press(sequences[match[1]!]))
    // The rest of the sequence is yet to come; ESC on its own, before something else, is nothing.
    return left.length > longestSequence || !begun.test(left) ? this.#take(1, "unknown") : undefined
  }

  // Ctrl-C works in a paste whose end never comes.
  #paste(before: string): Key | undefined {
    const left = this.#left
    const end = left.search(pasteEndsOrInterrupt)
    // The last characters may be the beginning of the end.
    const upTo = end < 0 ? Math.max(0, left.length - pasteEnds.length + 1) : end
    const text = (before + left.slice(0, upTo)).slice(0, longestPaste)
    this.#left = left.slice(upTo)
    this.#pasted = end < 0 ? text : undefined
    if (end < 0) return undefined
    return left[end] === "\x03"
      ? this.#take(1, { _tag: "Press", name: "Interrupt" })
      : this.#take(pasteEnds.length, { _tag: "Paste", text })
  }

  #take<K extends Key | "unknown">(length: number, key: K): K {
    this.#left = this.#left.slice(length)
    return key
  }
}

const press = (name: Name | undefined): Key | "unknown" => name === undefined ? "unknown" : { _tag: "Press", name }
