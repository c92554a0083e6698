/** How lines look on a terminal: with the time before them, and names in colors. */
import * as Line from "../protocol/Line.ts"
import { fold } from "../protocol/Name.ts"

/** How a terminal is drawn on. */
export interface Style {
  /** `NO_COLOR` is not set. */
  readonly isColored: boolean
}

// Of the 256 colors of a terminal, those that can be told apart and read on black and on white.
const palette = [31, 32, 35, 37, 63, 65, 67, 71, 97, 100, 127, 130, 132, 136, 161, 166, 169, 172]

const colorOf = (name: string): number => {
  let hash = 0
  for (const character of fold(name)) hash = (hash * 31 + character.codePointAt(0)!) >>> 0
  return palette[hash % palette.length]!
}

const paint = (style: Style, code: string, text: string): string =>
  style.isColored ? `\x1b[${code}m${text}\x1b[0m` : text

const dim = (style: Style, text: string): string => paint(style, "2", text)

/** A name in its color. */
export const showName = (style: Style, name: string): string => paint(style, `1;38;5;${colorOf(name)}`, name)

/** Black on white, for what is no part of the talk. */
export const inverse = (style: Style, text: string): string => paint(style, "7", text)

const clock = (at: number): string => {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":")
}

/** A line as it is shown, and when it came. */
export const show = (style: Style, line: Line.Line, at: number): string =>
  line._tag === "Past"
    ? `${dim(style, clock(line.at))} ${body(style, line.spoken)}`
    : `${dim(style, clock(line._tag === "Whispered" ? line.at ?? at : at))} ${body(style, line)}`

const body = (style: Style, line: Line.Line): string => {
  switch (line._tag) {
    case "Said":
      return `<${showName(style, line.name)}> ${line.text}`
    case "Acted":
      return `* ${showName(style, line.name)} ${line.text}`
    case "Whispered":
      return `[from ${showName(style, line.from)}] ${paint(style, "3", line.text)}`
    case "Sent":
      return `[to ${showName(style, line.to)}] ${paint(style, "3", line.text)}`
    case "Refusal":
      return paint(style, "31", Line.format(line))
    default:
      return dim(style, Line.format(line))
  }
}
