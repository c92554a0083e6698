import type * as Trace from "../../../Trace.ts"
import {
  formatDisk,
  formatFate,
  formatFlags,
  formatNote,
  formatPayload,
  formatSocket,
  formatTime,
  formatTimer,
  formatTls
} from "./format.ts"

/** Lines like those of tcpdump(8). */
export const toText = (trace: Trace.Trace): string => {
  const lines = trace.records.map(formatRecord)
  if (trace.dropped > 0) lines.unshift(`... ${trace.dropped} records before these are not kept`)
  return lines.join("\n")
}

const formatRecord = (record: Trace.Record): string => {
  switch (record._tag) {
    case "Segment":
      return formatSegment(record)
    case "Datagram":
      return `${route(record)}: UDP, length ${record.payload.length}${payloadOf(record)}${formatOutcome(record)}`
    case "Timer":
      return `${formatTime(record.at)} ${record.host} ${formatSocket(record.source)} > ${
        formatSocket(record.destination)
      }: ${formatTimer(record)}`
    case "Disk":
      return `${formatTime(record.at)} ${record.host} ${formatDisk(record)}`
    case "Fault":
      return `${formatTime(record.at)} *** ${record.name}`
    case "Note":
      return `${formatTime(record.at)} ${formatNote(record)}`
  }
}

const route = (packet: Trace.Packet): string =>
  `${formatTime(packet.at)} ${packet.from} ${formatSocket(packet.source)} > ${packet.to || "nowhere"} ${
    formatSocket(packet.destination)
  }`

const formatSegment = (segment: Trace.Segment): string => {
  const { acknowledgment, flags, payload, sack, sequence, window } = segment
  const tls = formatTls(segment)
  const range = payload.length > 0 ? `${sequence}:${sequence + payload.length}` : `${sequence}`
  const parts = [
    `Flags [${formatFlags(flags)}]`,
    ...(payload.length > 0 || flags & 7 ? [`seq ${range}`] : []),
    ...(flags & 16 ? [`ack ${acknowledgment}`] : []),
    `win ${window}`,
    ...(sack.length > 0 ? [`sack ${sack.map(([from, to]) => `${from}:${to}`).join(" ")}`] : []),
    `length ${payload.length}${tls === "" ? payloadOf(segment) : `: ${tls}`}`
  ]
  return `${route(segment)}: ${parts.join(", ")}${segment.retransmission ? " (retransmission)" : ""}${
    formatOutcome(segment)
  }`
}

const payloadOf = ({ payload }: Trace.Packet): string => {
  const text = formatPayload(payload)
  return text === "" ? "" : `: ${text}`
}

const formatOutcome = (packet: Trace.Packet): string => {
  const fate = formatFate(packet)
  return `${packet.duplicate ? " (duplicate)" : ""}${fate === "" ? "" : ` (${fate})`}`
}
