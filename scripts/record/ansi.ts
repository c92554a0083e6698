/** Text with SGR sequences (ECMA-48) as pieces of one look each. */

export interface Look {
  readonly color: string | undefined
  readonly bold: boolean
  readonly dim: boolean
  readonly italic: boolean
  readonly inverse: boolean
}

export interface Piece {
  readonly text: string
  readonly look: Look
}

const plain: Look = { color: undefined, bold: false, dim: false, italic: false, inverse: false }

const basic = ["#000", "#e5534b", "#57ab5a", "#c69026", "#539bf5", "#b083f0", "#39c5cf", "#adbac7"]

// The color cube of xterm: 6 × 6 × 6, and then shades of gray.
const colorAt = (index: number): string => {
  if (index < 16) return basic[index % 8]!
  if (index >= 232) return `rgb(${Array(3).fill(8 + (index - 232) * 10)})`
  const level = (step: number) => step === 0 ? 0 : 55 + 40 * step
  const cube = index - 16
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level)})`
}

const changed = (look: Look, codes: ReadonlyArray<number>): Look => {
  const [code = 0, ...rest] = codes
  const [next, left] = one(look, code, rest)
  return left.length === 0 ? next : changed(next, left)
}

const one = (look: Look, code: number, rest: ReadonlyArray<number>): [Look, ReadonlyArray<number>] => {
  if (code === 38 && rest[0] === 5) return [{ ...look, color: colorAt(rest[1]!) }, rest.slice(2)]
  if (code === 0) return [plain, rest]
  if (code === 1) return [{ ...look, bold: true }, rest]
  if (code === 2) return [{ ...look, dim: true }, rest]
  if (code === 3) return [{ ...look, italic: true }, rest]
  if (code === 7) return [{ ...look, inverse: true }, rest]
  if (code === 39) return [{ ...look, color: undefined }, rest]
  if (code >= 30 && code < 38) return [{ ...look, color: basic[code - 30] }, rest]
  return [look, rest]
}

/** The pieces of each row of a screen. How a row ends is how the next one begins. */
export const pieces = (rows: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<Piece>> => {
  let look = plain
  return rows.map((row) => {
    const all: Array<Piece> = []
    for (const [index, part] of row.split("\x1b[").entries()) {
      const end = index === 0 ? -1 : part.indexOf("m")
      if (index > 0) look = changed(look, part.slice(0, end).split(";").map(Number))
      const text = part.slice(end + 1)
      if (text !== "") all.push({ text, look })
    }
    return all
  })
}
