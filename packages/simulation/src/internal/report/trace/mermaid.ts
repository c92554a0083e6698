import * as SafeText from "@sluice/framing/SafeText"
import type * as Trace from "../../../Trace.ts"
import { formatDisk, formatFate, formatNote, formatPacket, formatTimer } from "./format.ts"

// GitHub draws no more than some hundred arrows.
const limit = 200

/** A Mermaid sequence diagram. What does not arrive ends in a cross. */
export const toMermaid = (trace: Trace.Trace): string => {
  const records = trace.records.slice(-limit)
  const hosts = involved(trace.hosts, records)
  const names = new Map(hosts.map((host, index) => [host, `h${index}`]))
  const left = trace.dropped + trace.records.length - records.length
  return [
    "sequenceDiagram",
    ...hosts.map((host) => `  participant ${names.get(host)} as ${escape(host)}`),
    ...(left > 0 && hosts.length > 0 ? [`  Note over ${names.get(hosts[0]!)}: after ${left} more`] : []),
    ...records.flatMap((record) => draw(record, names))
  ].join("\n")
}

/** The hosts that have a part in some records, in their order. */
export const involved = (
  hosts: ReadonlyArray<string>,
  records: ReadonlyArray<Trace.Record>
): ReadonlyArray<string> => {
  const seen = new Set(
    records.flatMap((record) =>
      record._tag === "Fault" ? record.hosts : "host" in record ? [record.host] : [record.from, record.to]
    )
  )
  return hosts.filter((host) => seen.has(host))
}

const draw = (record: Trace.Record, names: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const time = `${Number((record.at / 1000).toFixed(3))} ms`
  if (record._tag === "Fault") {
    const ends = record.hosts.map((host) => names.get(host)).filter((name) => name !== undefined)
    const [first] = ends
    const last = ends[ends.length - 1]
    const over = first === undefined ? "h0" : first === last ? first : `${first},${last}`
    return [`  Note over ${over}: ${time}: ${escape(record.name)}`]
  }
  if (record._tag === "Note") {
    return [
      `  Note over ${names.get(record.host) ?? [...names.values()].join(",")}: ${time}: ${escape(formatNote(record))}`
    ]
  }
  if (record._tag === "Disk") {
    return [`  Note over ${names.get(record.host)}: ${time}: ${escape(formatDisk(record))}`]
  }
  if (record._tag === "Timer") return [`  Note over ${names.get(record.host)}: ${time}: ${formatTimer(record)}`]
  const from = names.get(record.from)!
  const to = names.get(record.to) ?? from
  const fate = formatFate(record)
  const text = `${time}: ${formatPacket(record)}${record.duplicate ? ", duplicate" : ""}${
    fate === "" ? "" : `, ${fate}`
  }`
  return [`  ${from}${fate === "" || record.fate === "held" ? "->>" : "-x"}${to}: ${escape(text)}`]
}

// These end a statement, or begin an entity.
const escape = (text: string): string =>
  SafeText.escape(text.replace(/\s*\n\s*/g, " "), { limit: 200 }).replace(
    /[#;]/g,
    (found) => `#${found.charCodeAt(0)};`
  )
