import * as SafeText from "@sluice/framing/SafeText"
import type * as Trace from "../../../Trace.ts"
import { formatDisk, formatFate, formatNote, formatPacket, formatTimer } from "./format.ts"
import { involved } from "./mermaid.ts"

const limit = 1000
const lane = 260
const margin = 110
const header = 48
// What happens at different times is at least so far apart, and no further than that: long pauses are cut short.
const least = 14
const most = 60

/** A time-sequence picture: hosts as lifelines from top to bottom, packets as slanted arrows between them. */
export const toSvg = (trace: Trace.Trace): string => {
  const records = trace.records.slice(-limit)
  const hosts = involved(trace.hosts, records)
  const left = trace.dropped + trace.records.length - records.length
  const columns = new Map(hosts.map((host, index) => [host, margin + index * lane]))
  const rows = makeRows(records)
  const width = 2 * margin + Math.max(1, hosts.length - 1) * lane
  const height = header + Math.max(0, ...rows.values()) + 40
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="ui-monospace, monospace" font-size="10">`,
    `<style>line,path{stroke:#57606a;stroke-width:1}text{fill:#24292f}.life{stroke:#d0d7de;stroke-width:2}` +
    `.gone{stroke:#cf222e;stroke-dasharray:4 3}.gone-text,.fault{fill:#cf222e}.cut{stroke:#cf222e;stroke-width:1.5}` +
    `.time,.timer{fill:#8c959f}</style>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">` +
    `<path d="M0 0 8 4 0 8z" fill="#57606a" stroke="none"/></marker></defs>`,
    ...(left > 0 ? [`<text class="time" x="4" y="12">after ${left} more</text>`] : []),
    ...hosts.flatMap((host) => drawHost(host, columns.get(host)!, height)),
    ...records.flatMap((record) => drawRecord(record, columns, rows, width)),
    "</svg>"
  ].join("\n")
}

// Where each moment is drawn.
const makeRows = (records: ReadonlyArray<Trace.Record>): ReadonlyMap<number, number> => {
  const moments = new Set<number>()
  for (const record of records) {
    moments.add(record.at)
    if ("arrival" in record && record.arrival !== undefined && record.fate === "arrives") moments.add(record.arrival)
  }
  const rows = new Map<number, number>()
  let y = 20
  let before: number | undefined
  for (const moment of [...moments].sort((a, b) => a - b)) {
    if (before !== undefined) y += Math.min(most, Math.max(least, (moment - before) / 1000))
    rows.set(moment, y)
    before = moment
  }
  return rows
}

const drawHost = (host: string, x: number, height: number): ReadonlyArray<string> => [
  `<line class="life" x1="${x}" y1="${header}" x2="${x}" y2="${height - 12}"/>`,
  `<text x="${x}" y="${header - 16}" text-anchor="middle" font-size="13" font-weight="bold">${escape(host)}</text>`
]

const drawRecord = (
  record: Trace.Record,
  columns: ReadonlyMap<string, number>,
  rows: ReadonlyMap<number, number>,
  width: number
): ReadonlyArray<string> => {
  const y = header + rows.get(record.at)!
  const time = `<text class="time" x="4" y="${y + 3}">${Number((record.at / 1000).toFixed(3))} ms</text>`
  if (record._tag === "Fault") {
    return [
      time,
      `<line class="cut" x1="${margin - 30}" y1="${y}" x2="${width - margin + 30}" y2="${y}"/>`,
      `<text class="fault" x="${width / 2}" y="${y - 4}" text-anchor="middle">${escape(record.name)}</text>`
    ]
  }
  if (record._tag === "Note") {
    const x = columns.get(record.host) ?? margin
    return [time, `<text class="note" x="${x + 6}" y="${y + 3}">${escape(formatNote(record))}</text>`]
  }
  if (record._tag === "Timer" || record._tag === "Disk") {
    const x = columns.get(record.host)!
    const text = record._tag === "Disk" ? escape(formatDisk(record)) : formatTimer(record)
    return [time, `<text class="timer" x="${x + 6}" y="${y + 3}">${text}</text>`]
  }
  const from = columns.get(record.from)!
  const to = columns.get(record.to) ?? from + lane / 3
  const fate = formatFate(record)
  const label = escape(formatPacket(record) + (fate === "" ? "" : `, ${fate}`))
  const middle = (from + to) / 2
  const arrival = fate === "" ? header + (rows.get(record.arrival ?? record.at) ?? y - header) : y + least / 2
  if (record.from === record.to) return [time, `<text x="${from + 6}" y="${y + 3}">${label} (to itself)</text>`]
  if (fate === "") {
    return [
      time,
      `<line x1="${from}" y1="${y}" x2="${to}" y2="${arrival}" marker-end="url(#arrow)"/>`,
      `<text x="${middle}" y="${(y + arrival) / 2 - 3}" text-anchor="middle">${label}</text>`
    ]
  }
  return [
    time,
    `<line class="gone" x1="${from}" y1="${y}" x2="${middle}" y2="${arrival}"/>`,
    `<path class="cut" d="M${middle - 4} ${arrival - 4}l8 8m0-8l-8 8"/>`,
    `<text class="gone-text" x="${middle}" y="${y - 3}" text-anchor="middle">${label}</text>`
  ]
}

// XML has no control characters, and a long line is of no use in a picture.
const escape = (text: string): string =>
  SafeText.escape(text, { limit: 200 }).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")
