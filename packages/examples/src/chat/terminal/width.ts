/** How many columns of a terminal text takes. */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** What is seen as one character each: a letter with its marks, a flag, a family. */
export const graphemes = (text: string): ReadonlyArray<string> => {
  if (/^[\x20-\x7e]*$/.test(text)) return text.split("")
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

// East Asian Wide and Fullwidth (UAX #11), and what is shown as an emoji.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u

const widthOfGrapheme = (grapheme: string): number =>
  wide.test(grapheme) ? 2 : /^[\p{M}\p{Cf}\p{Cc}]*$/u.test(grapheme) ? 0 : 1

/** The columns of text without escape sequences. */
export const width = (text: string): number =>
  graphemes(text).reduce((columns, grapheme) => columns + widthOfGrapheme(grapheme), 0)

/** As much of the beginning of a text as fits into so many columns. */
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
