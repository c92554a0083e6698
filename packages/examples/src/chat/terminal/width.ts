/** How many columns text takes in a terminal, as `wcwidth` counts them. */
import { eastAsianWidth } from "get-east-asian-width"

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** The graphemes of a text: a letter with its marks, a flag, a family emoji. */
export const graphemes = (text: string): ReadonlyArray<string> => {
  if (/^[\x20-\x7e]*$/.test(text)) return text.split("")
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

// Shown as one picture, whatever its code points.
const emoji = /\p{Emoji_Presentation}|\ufe0f/u

// Combining marks, format and control characters, and the vowels and finals of Hangul syllables.
const zeroWidth = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff\ud7b0-\ud7ff]/u

// Terminals add up the columns of code points: some letters of a grapheme, such as SARA AM, have columns of their own.
const widthOfGrapheme = (grapheme: string): number => {
  if (emoji.test(grapheme)) return 2
  let columns = 0
  for (const character of grapheme) {
    if (!zeroWidth.test(character)) columns += eastAsianWidth(character.codePointAt(0)!)
  }
  return columns
}

/** The columns of text without escape sequences. */
export const width = (text: string): number =>
  graphemes(text).reduce((columns, grapheme) => columns + widthOfGrapheme(grapheme), 0)

/** The longest beginning of a text that fits into a number of columns. */
export const fit = (text: string, columns: number): string => {
  let fitting = ""
  let used = 0
  for (const grapheme of graphemes(text)) {
    used += widthOfGrapheme(grapheme)
    if (used > columns) break
    fitting += grapheme
  }
  return fitting
}
