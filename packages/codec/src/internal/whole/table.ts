import type { AnyCodec, Row } from "../machine/codec.ts"
import { sizeText } from "../machine/codec.ts"

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

/** How deep rows are shown below rows. */
const maxDepth = 4

const lines = (rows: ReadonlyArray<Row>, depth: number): ReadonlyArray<string> =>
  rows.flatMap(({ kind, name, note, rows, size }) => [
    `| ${"&nbsp;&nbsp;".repeat(depth)}\`${name}\` | ${size} | ${cell(kind)} | ${cell(note)} |`,
    ...(depth < maxDepth ? lines(rows, depth + 1) : [])
  ])

/** The fields of a codec as a table in Markdown. */
export const table = (codec: AnyCodec): string => {
  const rows = codec.rows()
  const all = rows.length > 0 ? rows : [{
    name: codec.title ?? "value",
    size: sizeText(codec),
    kind: codec.kind,
    note: codec.note,
    rows: []
  }]
  return ["| field | bytes | format | meaning |", "| --- | --- | --- | --- |", ...lines(all, 0)].join("\n")
}
