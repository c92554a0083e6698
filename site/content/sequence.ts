/** Sequence diagrams in Mermaid's notation, drawn at the build, so that no page needs a library or another host. */
import { escape } from "./escape.ts"

interface Arrow {
  readonly from: string
  readonly to: string
  readonly text: string
}

const lane = 220
const step = 44
const top = 56

/** Draws a block of Mermaid: participants and messages, which is what `Trace.toMermaid` writes. */
export const sequenceDiagram = (block: string): string => {
  const people = Array.from(
    block.matchAll(/^ *participant (\w+) as (.+)$/gm),
    ([, id = "", name = ""]) => ({ id, name })
  )
  const arrows = Array.from(
    block.matchAll(/^ *(\w+)-+>>(\w+): (.+)$/gm),
    ([, from = "", to = "", text = ""]): Arrow => ({ from, to, text })
  )
  if (people.length === 0 || arrows.length === 0) throw new Error(`a diagram in an unknown form:\n${block}`)
  const at = (id: string) => lane / 2 + lane * people.findIndex((person) => person.id === id)
  const height = top + step * arrows.length + 16
  const label = arrows.map(({ from, text, to }) => {
    const name = (id: string) => people.find((person) => person.id === id)?.name ?? id
    return `${name(from)} to ${name(to)}: ${text}`
  }).join("; ")
  const parts = [
    ...people.map(({ id, name }) =>
      `<line x1="${at(id)}" y1="34" x2="${at(id)}" y2="${height}" class="life"/>` +
      `<text x="${at(id)}" y="24" class="name">${escape(name)}</text>`
    ),
    ...arrows.map(({ from, text, to }, index) => {
      const y = top + step * index + 18
      const [start, end] = [at(from), at(to)]
      const tip = end > start ? -9 : 9
      return `<line x1="${start}" y1="${y}" x2="${end}" y2="${y}" class="arrow"/>` +
        `<path d="M${end},${y}l${tip},-5v10z" class="tip"/>` +
        `<text x="${(start + end) / 2}" y="${y - 7}" class="message">${escape(text)}</text>`
    })
  ]
  return `<div class="sequence" tabindex="0" role="region" aria-label="Sequence diagram">` +
    `<svg viewBox="0 0 ${lane * people.length} ${height}" role="img" aria-label="${escape(label)}">${
      parts.join("")
    }</svg></div>`
}
