/** A line that is being edited: keys in, a new state out. It knows nothing of a terminal. */
import * as Text from "../protocol/Text.ts"
import type { Key, Name } from "./Keys.ts"
import { graphemes, width } from "./width.ts"

/** A line that is being edited. */
export interface LineEditor {
  /** What is seen as one character is one element. */
  readonly before: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
  /** The lines that were entered, the last one last. */
  readonly history: ReadonlyArray<string>
  /** Where in the history it is; its length is the new line. */
  readonly at: number
  /** The new line, while an old one is shown. */
  readonly draft: string
  /** What was deleted last, for `Yank`. */
  readonly deleted: string
  readonly completion: Completion | undefined
}

interface Completion {
  readonly choices: ReadonlyArray<string>
  readonly index: number
  /** What is before the completed word. */
  readonly before: ReadonlyArray<string>
}

/** Words that can stand for the one before the cursor, given all that is before it, and the word. */
export type Complete = (before: string, word: string) => ReadonlyArray<string>

/** What a key did. */
export interface Step {
  readonly editor: LineEditor
  readonly event?: Event | undefined
  /** How many characters were not inserted, because the line is full. */
  readonly cut?: number
}

/** What is for others to act on. */
export type Event =
  | { readonly _tag: "Entered"; readonly line: string }
  | { readonly _tag: "Interrupted" }
  | { readonly _tag: "Ended" }
  | { readonly _tag: "Redraw" }

const longestHistory = 500
/** In UTF-16 code units. */
export const longestLine = 2000

/** An empty line, without a history. */
export const empty: LineEditor = {
  before: [],
  after: [],
  history: [],
  at: 0,
  draft: "",
  deleted: "",
  completion: undefined
}

/** The text of the line. */
export const text = ({ after, before }: LineEditor): string => before.join("") + after.join("")

/** Does what a key means. */
export const press = (editor: LineEditor, key: Key, complete: Complete = () => []): Step => {
  if (key._tag !== "Press") return inserted(editor, Text.clean(key.text.replace(/\s*[\r\n]+\s*/g, " ")))
  if (key.name === "Tab") return { editor: completed(editor, complete) }
  return edits[key.name]({ ...editor, completion: undefined })
}

const inserted = (editor: LineEditor, added: string): Step => {
  const room = longestLine - text(editor).length
  // What fits, without half of a grapheme.
  const fitting = added.length <= room ? added : whole(added, room)
  const count = added.length - fitting.length
  return {
    // A mark that comes by itself joins the letter before it.
    editor: { ...editor, before: graphemes(editor.before.join("") + fitting), completion: undefined },
    cut: count
  }
}

const whole = (added: string, room: number): string => {
  let fitting = ""
  for (const grapheme of graphemes(added.slice(0, room + 32))) {
    if (fitting.length + grapheme.length > room) break
    fitting += grapheme
  }
  return fitting
}

const isWord = (grapheme: string): boolean => /^[\p{L}\p{N}_]/u.test(grapheme)

/** Where the word before the end of these begins. */
const wordStart = (before: ReadonlyArray<string>): number => {
  let at = before.length
  while (at > 0 && !isWord(before[at - 1]!)) at--
  while (at > 0 && isWord(before[at - 1]!)) at--
  return at
}

/** Where the word after the beginning of these ends. */
const wordEnd = (after: ReadonlyArray<string>): number => {
  let at = 0
  while (at < after.length && !isWord(after[at]!)) at++
  while (at < after.length && isWord(after[at]!)) at++
  return at
}

const moved = (editor: LineEditor, at: number): LineEditor => {
  const all = [...editor.before, ...editor.after]
  return { ...editor, before: all.slice(0, at), after: all.slice(at) }
}

const cutBefore = (editor: LineEditor, from: number): LineEditor => ({
  ...editor,
  before: editor.before.slice(0, from),
  deleted: editor.before.slice(from).join("") || editor.deleted
})

const cutAfter = (editor: LineEditor, to: number): LineEditor => ({
  ...editor,
  after: editor.after.slice(to),
  deleted: editor.after.slice(0, to).join("") || editor.deleted
})

const recalled = (editor: LineEditor, at: number): LineEditor => {
  if (at < 0 || at > editor.history.length) return editor
  const draft = editor.at === editor.history.length ? text(editor) : editor.draft
  const line = at === editor.history.length ? draft : editor.history[at]!
  return { ...editor, before: graphemes(line), after: [], at, draft }
}

const entered = (editor: LineEditor): Step => {
  const line = text(editor)
  const isNew = line.trim() !== "" && line !== editor.history.at(-1)
  const history = isNew ? [...editor.history, line].slice(-longestHistory) : editor.history
  return {
    editor: { ...empty, history, at: history.length, deleted: editor.deleted },
    event: { _tag: "Entered", line }
  }
}

const edits: Record<Exclude<Name, "Tab">, (editor: LineEditor) => Step> = {
  Enter: entered,
  Backspace: (editor) => ({ editor: { ...editor, before: editor.before.slice(0, -1) } }),
  Delete: (editor) => ({ editor: { ...editor, after: editor.after.slice(1) } }),
  Left: (editor) => ({ editor: moved(editor, Math.max(0, editor.before.length - 1)) }),
  Right: (editor) => ({ editor: moved(editor, editor.before.length + 1) }),
  Home: (editor) => ({ editor: moved(editor, 0) }),
  End: (editor) => ({ editor: moved(editor, Infinity) }),
  WordLeft: (editor) => ({ editor: moved(editor, wordStart(editor.before)) }),
  WordRight: (editor) => ({ editor: moved(editor, editor.before.length + wordEnd(editor.after)) }),
  Up: (editor) => ({ editor: recalled(editor, editor.at - 1) }),
  Down: (editor) => ({ editor: recalled(editor, editor.at + 1) }),
  DeleteWord: (editor) => ({ editor: cutBefore(editor, wordStart(editor.before)) }),
  DeleteWordRight: (editor) => ({ editor: cutAfter(editor, wordEnd(editor.after)) }),
  DeleteToStart: (editor) => ({ editor: cutBefore(editor, 0) }),
  DeleteToEnd: (editor) => ({ editor: cutAfter(editor, Infinity) }),
  Yank: (editor) => inserted(editor, editor.deleted),
  Redraw: (editor) => ({ editor, event: { _tag: "Redraw" } }),
  // As in a shell: it drops the line, and where there is none, it ends the program.
  Interrupt: (editor) =>
    text(editor) === ""
      ? { editor, event: { _tag: "Interrupted" } }
      : { editor: { ...empty, history: editor.history, at: editor.history.length, deleted: editor.deleted } },
  EndOfInput: (editor) =>
    text(editor) === ""
      ? { editor, event: { _tag: "Ended" } }
      : { editor: { ...editor, after: editor.after.slice(1) } }
}

/** Puts the first of the words that fit in the place of the one before the cursor; the next time, the next one. */
const completed = (editor: LineEditor, complete: Complete): LineEditor => {
  if (editor.completion !== undefined) {
    const { before, choices, index } = editor.completion
    return chosen(editor, { before, choices, index: (index + 1) % choices.length })
  }
  const start = editor.before.lastIndexOf(" ") + 1
  const word = editor.before.slice(start).join("")
  const before = editor.before.slice(0, start)
  const choices = complete(before.join(""), word)
  // After all of them comes again what was typed.
  return choices.length === 0 ? editor : chosen(editor, { before, choices: [...choices, word], index: 0 })
}

const chosen = (editor: LineEditor, completion: Completion): LineEditor => ({
  ...editor,
  before: [...completion.before, ...graphemes(completion.choices[completion.index]!)],
  completion
})

/** As much of the line as fits, and the column of the cursor in it: the line moves under the cursor where it is longer. */
export const view = (
  { after, before }: LineEditor,
  columns: number
): { readonly text: string; readonly column: number } => {
  const room = Math.max(1, columns - 1)
  let start = before.length
  let column = 0
  for (; start > 0; start--) {
    const next = width(before[start - 1]!)
    if (column + next > room) break
    column += next
  }
  // A line that was cut off shows it.
  const cut = start > 0 && before.length > start
  const shown = cut ? ["…".padEnd(width(before[start]!), " "), ...before.slice(start + 1)] : before.slice(start)
  let end = 0
  for (let used = column; end < after.length; end++) {
    used += width(after[end]!)
    if (used > room) break
  }
  return { text: shown.join("") + after.slice(0, end).join(""), column }
}
