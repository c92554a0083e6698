/** What comes from a keyboard, out of the bytes that a terminal in raw mode sends for it. */

/** A key that is no text. */
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
  b: "WordLeft",
  f: "WordRight",
  d: "DeleteWordRight",
  "\x7f": "DeleteWord"
}

const pasteBegins = "\x1b[200~"
const pasteEnds = "\x1b[201~"
const longestSequence = 32

// A whole sequence: CSI, SS3, or one character (Alt and a key).
// oxlint-disable-next-line no-control-regex
const sequence = /^\x1b(\[[0-?]*[ -/]*[@-~]|O[\x20-\x7e]|[^[O\x1b])/u
// oxlint-disable-next-line no-control-regex
const begun = /^\x1b(?:\[[0-?]*[ -/]*|O)?$/
const printable = /^\P{Cc}+/u

/** Reads keys out of text that may be cut anywhere. */
export class Reader {
  #left = ""

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
    if (left === "") return undefined
    const text = printable.exec(left)?.[0]
    if (text !== undefined) return this.#take(text.length, { _tag: "Text", text })
    if (left.startsWith(pasteBegins)) {
      const end = left.indexOf(pasteEnds)
      if (end < 0) return undefined
      const pasted = left.slice(pasteBegins.length, end)
      return this.#take(end + pasteEnds.length, { _tag: "Paste", text: pasted })
    }
    if (left[0] !== "\x1b") return this.#take(1, press(controls[left[0]!]))
    const match = sequence.exec(left)
    if (match !== null) return this.#take(match[0].length, press(sequences[match[1]!]))
    // The rest of the sequence is yet to come; ESC on its own, before something else, is nothing.
    return left.length > longestSequence || !begun.test(left) ? this.#take(1, "unknown") : undefined
  }

  #take(length: number, key: Key | "unknown"): Key | "unknown" {
    this.#left = this.#left.slice(length)
    return key
  }
}

const press = (name: Name | undefined): Key | "unknown" => name === undefined ? "unknown" : { _tag: "Press", name }
