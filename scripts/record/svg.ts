/** A recording as an SVG that moves by CSS alone. Each row is there once for each text that it ever shows. */
import { type Look, type Piece, pieces } from "./ansi.ts"
import type { Screen } from "./terminal.ts"

/** What was shown from some time on, in milliseconds, on each of the terminals. */
export interface Frame {
  readonly at: number
  readonly screens: ReadonlyArray<Screen>
}

export interface Options {
  readonly titles: ReadonlyArray<string>
  readonly columns: number
  readonly rows: number
  /** Milliseconds, after which it begins anew. */
  readonly length: number
}

const cell = { width: 7.2, height: 16 }
const margin = 10
const bar = 24

interface Shown {
  readonly element: string
  /** When it is there: from, to. */
  readonly spans: Array<[number, number]>
}

export const draw = (frames: ReadonlyArray<Frame>, options: Options): string => {
  const width = options.columns * cell.width + 2 * margin
  const height = options.rows * cell.height + 2 * margin + bar
  const shown = new Map<string, Shown>()
  for (const [index, { at, screens }] of frames.entries()) {
    const until = frames[index + 1]?.at ?? options.length
    for (const [terminal, screen] of screens.entries()) {
      const left = terminal * (width + margin) + margin
      for (const element of elementsOf(screen, left, bar + margin)) {
        const known = shown.get(element)
        if (known === undefined) shown.set(element, { element, spans: [[at, until]] })
        else if (known.spans.at(-1)![1] === at) known.spans.at(-1)![1] = until
        else known.spans.push([at, until])
      }
    }
  }

  const animations = new Map<string, string>()
  const groups = Array.from(shown.values(), ({ element, spans }) => {
    const steps = keyframes(spans, options.length)
    let name = animations.get(steps)
    if (name === undefined) animations.set(steps, name = `k${animations.size}`)
    // Where nothing is to move, the last picture is there.
    const isLast = spans.at(-1)![1] === options.length
    return `<g class="${isLast ? "z " : ""}" style="animation-name:${name}">${element}</g>`
  })
  const all = options.titles.length * (width + margin) - margin
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${
      round(all)
    } ${height}" font-size="12" ` +
    "font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" fill=\"#adbac7\">",
    "<style>",
    `g{opacity:0;animation:${options.length}ms steps(1,end) infinite}.z{opacity:1}`,
    ".b{font-weight:bold}.d{fill-opacity:.65}.i{font-style:italic}",
    "@media(prefers-reduced-motion:reduce){g{animation:none}}",
    ...Array.from(animations, ([steps, name]) => `@keyframes ${name}{${steps}}`),
    "</style>",
    ...options.titles.map((title, index) => frame(title, index * (width + margin), width, height)),
    ...groups,
    "</svg>",
    ""
  ].join("\n")
}

const round = (value: number): number => Math.round(value * 10) / 10

const keyframes = (spans: ReadonlyArray<readonly [number, number]>, length: number): string => {
  const percent = (at: number) => `${Math.round(at / length * 10_000) / 100}%`
  const steps = spans[0]![0] === 0 ? [] : ["0%{opacity:0}"]
  for (const [from, to] of spans) {
    steps.push(`${percent(from)}{opacity:1}`)
    steps.push(to === length ? "100%{opacity:1}" : `${percent(to)}{opacity:0}`)
  }
  return steps.join("")
}

const frame = (title: string, left: number, width: number, height: number): string =>
  `<rect x="${round(left)}" width="${round(width)}" height="${height}" rx="6" fill="#22272e"/>` +
  `<text x="${round(left + width / 2)}" y="16" text-anchor="middle" fill="#768390">${escape(title)}</text>`

const elementsOf = (screen: Screen, left: number, top: number): ReadonlyArray<string> => {
  const { column, row } = screen.cursor
  const cursor = rectangle(left + column * cell.width, top + row * cell.height, cell.width, "#adbac7")
  const rows = pieces(screen.rows).flatMap((row, index) => rowOf(row, left, top + index * cell.height))
  return [...rows, cursor]
}

const rowOf = (row: ReadonlyArray<Piece>, left: number, top: number): ReadonlyArray<string> => {
  let column = 0
  const drawn = row.map((piece) => {
    const x = left + column * cell.width
    column += piece.text.length
    return pieceOf(piece, x, top)
  })
  return row.every(({ text }) => text.trim() === "") ? [] : [drawn.join("")]
}

const pieceOf = ({ look, text }: Piece, x: number, top: number): string => {
  const width = text.length * cell.width
  const fill = look.inverse ? "#22272e" : look.color
  const classes = classOf(look)
  const attributes = [
    `x="${round(x)}" y="${round(top + 12)}" textLength="${round(width)}"`,
    ...(classes === "" ? [] : [`class="${classes}"`]),
    ...(fill === undefined ? [] : [`fill="${fill}"`])
  ].join(" ")
  return `${look.inverse ? rectangle(x, top, width, "#768390") : ""}<text ${attributes}>${escape(text)}</text>`
}

const classOf = (look: Look): string =>
  [look.bold ? "b" : "", look.dim ? "d" : "", look.italic ? "i" : ""].filter((name) => name !== "").join(" ")

const rectangle = (x: number, y: number, width: number, fill: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${cell.height}" fill="${fill}"/>`

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
