import * as SafeText from "@sluice/framing/SafeText"
import type * as Trace from "../../../Trace.ts"
import {
  formatDisk,
  formatFate,
  formatFlags,
  formatPacket,
  formatSocket,
  formatTime,
  formatTimer,
  nameFlags
} from "../trace/format.ts"
import type { Kind, Row } from "./browser/pageData.ts"
import { describeBytes } from "./value.ts"

type Packet = Trace.Segment | Trace.Datagram
type Detail = Row["detail"]

/** Makes the rows of records. */
export const makeRows =
  (laneOf: (host: string) => number, messagesOf: (packet: Packet) => ReadonlyArray<string>) =>
  (record: Trace.Record): Row => {
    switch (record._tag) {
      case "Segment":
      case "Datagram":
        return packetRow(record, laneOf, messagesOf(record))
      case "Timer":
        return row(record.at, "timer", laneOf(record.host), formatTimer(record), [
          ["Host", record.host],
          ["Connection", `${formatSocket(record.source)} → ${formatSocket(record.destination)}`]
        ])
      case "Disk":
        return row(record.at, "disk", laneOf(record.host), formatDisk(record), [
          ["Host", record.host],
          ["Path", record.path],
          ["Bytes", record.bytes === undefined ? "" : String(record.bytes)],
          ["Error", record.error ?? ""]
        ])
      case "Fault":
        return row(record.at, "fault", laneOf(record.hosts[0] ?? ""), record.name, [["Hosts", record.hosts.join(", ")]])
      case "Note":
        return {
          ...row(record.at, record.kind, laneOf(record.host), record.text.replace(/\s*\n\s*/g, " | "), [
            ["Host", record.host]
          ]),
          isBad: record.kind === "failure"
        }
    }
  }

/** The row of anything but a packet. */
export const row = (at: number, kind: Kind, lane: number, text: string, detail: Detail = []): Row => ({
  at,
  kind,
  from: lane,
  to: lane,
  arrival: undefined,
  fate: "",
  isBad: false,
  text: safe(text),
  detail: tidy([["Time", `${formatTime(at)} s`], ...detail])
})

const packetRow = (packet: Packet, laneOf: (host: string) => number, messages: ReadonlyArray<string>): Row => {
  const { at, destination, from, payload, source, to } = packet
  const fate = formatFate(packet)
  const arrival = fate === "" ? packet.arrival : undefined
  const again = `${packet.duplicate ? " (duplicate)" : ""}${
    packet._tag === "Segment" && packet.retransmission ? " (retransmission)" : ""
  }`
  const text = messages.length > 0 ? messages.join("  ·  ") + again : formatPacket(packet)
  const more = payload.length > 48 ? `${payload.length} bytes: ` : ""
  return {
    at,
    kind: kindOf(packet),
    from: laneOf(from),
    to: laneOf(to),
    arrival,
    fate,
    isBad: false,
    text: safe(text),
    detail: tidy([
      ["Sent", `${formatTime(at)} s`],
      ["Outcome", arrival === undefined ? fate : `arrives ${milliseconds(arrival - at)} later`],
      ["From", `${from} ${formatSocket(source)}`],
      ["To", `${to || "nowhere"} ${formatSocket(destination)}`],
      ...messages.map((message) => ["Message", message] as const),
      ["Payload", payload.length === 0 ? "" : more + describeBytes(payload)],
      ...(packet._tag === "Segment" ? segmentDetail(packet) : [["Protocol", "UDP"] as const])
    ])
  }
}

const segmentDetail = (segment: Trace.Segment): Detail => {
  const { acknowledgment, flags, payload, sack, sequence, window } = segment
  return [
    ["Flags", `${nameFlags(flags)} [${formatFlags(flags)}]${segment.retransmission ? ", retransmission" : ""}`],
    ["Sequence", payload.length > 0 ? `${sequence}–${sequence + payload.length - 1}` : String(sequence)],
    ["Acknowledges", flags & 16 ? `up to ${acknowledgment - 1}` : ""],
    ["Window", `${window} bytes`],
    ["SACK", sack.map(([from, to]) => `${from}–${to - 1}`).join(", ")]
  ]
}

const kindOf = (packet: Packet): Kind =>
  packet.payload.length > 0 || packet._tag === "Datagram" ? "message" : packet.flags & 7 ? "control" : "ack"

/** Microseconds for people: `12.5 ms`. */
export const milliseconds = (micros: number): string => `${Number((micros / 1000).toFixed(3))} ms`

const safe = (text: string): string => SafeText.escape(text, { limit: 400 })

// Peer text is made safe here; nothing is shown of what is empty.
const tidy = (detail: Detail): Detail =>
  detail.flatMap(([name, value]) => value.trim() === "" ? [] : [[name, safe(value)] as const])
