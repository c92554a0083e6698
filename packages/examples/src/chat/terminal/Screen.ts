/**
 * The end of a terminal: a status line and the line that is being typed, below what was printed. Printing takes both away,
 * prints, and puts them back, in one piece. What was printed scrolls as in any other program.
 */
import * as LineEditor from "./LineEditor.ts"
import { fit, width } from "./width.ts"

/** What is below what was printed. */
export interface Prompt {
  /** Text without escape sequences. */
  readonly status: string
  /** How the status is shown, such as inverse. */
  readonly paint: (text: string) => string
  readonly editor: LineEditor.LineEditor
}

const label = "> "

export class Screen {
  // Columns of the status line that is there now, and of the cursor below it.
  #shown: { readonly status: number; readonly cursor: number } | undefined

  /** What to write so that these lines are above the prompt. */
  print(lines: ReadonlyArray<string>, prompt: Prompt, columns: number): string {
    const erased = this.erase(columns)
    const status = fit(prompt.status, columns - 1).padEnd(columns - 1)
    const { column, text } = LineEditor.view(prompt.editor, columns - label.length)
    this.#shown = { status: width(status), cursor: label.length + column }
    const printed = lines.map((line) => `${line}\r\n`).join("")
    return `${erased}${printed}${prompt.paint(status)}\r\n${label}${text}\r\x1b[${label.length + column}C`
  }

  /** What to write so that nothing is there. */
  clear(): string {
    this.#shown = undefined
    return "\x1b[H\x1b[2J"
  }

  /** What to write so that the prompt is gone. A terminal that is narrower now has wrapped it. */
  erase(columns: number): string {
    if (this.#shown === undefined) return ""
    const { cursor, status } = this.#shown
    this.#shown = undefined
    const rows = Math.max(1, Math.ceil(status / columns)) + Math.floor(cursor / columns)
    return `\r\x1b[${rows}A\x1b[J`
  }
}
