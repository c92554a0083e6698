import type * as Trace from "../../../Trace.ts"
import { describeRecords } from "../../kernel/tls/describe.ts"
import { plural } from "../../text/plural.ts"

const letters = [["S", 2], ["F", 1], ["R", 4], ["P", 8]] as const

/** The flags as tcpdump(8) writes them: `S`, `S.`, `P.`, `F.`, `R`, `.`. */
export const formatFlags = (flags: number): string =>
  letters.map(([letter, bit]) => flags & bit ? letter : "").join("") + (flags & 16 ? "." : "")

/** The flags by their names, with a comma between them. */
export const nameFlags = (flags: number): string =>
  ([["SYN", 2], ["FIN", 1], ["RST", 4], ["ACK", 16]] as const).filter(([, bit]) => flags & bit).map(([name]) => name)
    .join(", ")

/** Microseconds as seconds: `0.080000`. */
export const formatTime = (at: number): string => (at / 1e6).toFixed(6)

export const formatSocket = ({ address, port }: Trace.Socket): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`

/** What became of a packet, in a few words; nothing if it arrives. */
export const formatFate = (packet: Trace.Packet): string => packet.fate === "arrives" ? "" : fates[packet.fate]

const fates: Record<Exclude<Trace.Fate, "arrives">, string> = {
  held: "held",
  lost: "lost",
  corrupted: "corrupted",
  queueFull: "dropped, the queue is full",
  tooLarge: "dropped, larger than the MTU",
  forgotten: "dropped, the flow was idle too long",
  partitioned: "dropped, partitioned",
  unreachable: "dropped, unreachable",
  dropped: "dropped by a rule",
  reset: "dropped, and the connection reset, by a rule",
  hostDown: "dropped, the host is down",
  unrouted: "dropped, nobody has the address",
  backlogFull: "dropped, the backlog is full",
  bufferFull: "dropped, the receive buffer is full"
}

const timers: Record<Trace.Timer["name"], string> = {
  retransmission: "retransmission timeout",
  persist: "window probe",
  keepAlive: "keep-alive probe",
  giveUp: "given up"
}

export const formatTimer = (timer: Trace.Timer): string => timers[timer.name]

/** `server: write /data/log: 120 bytes`. */
export const formatDisk = ({ bytes, error, operation, path }: Trace.Disk): string =>
  `${operation} ${path}${error === undefined ? bytes === undefined ? "" : `: ${plural(bytes, "byte")}` : `: ${error}`}`

/** `server: log: leader of term 7`. */
export const formatNote = (note: Trace.Note): string =>
  `${note.host === "" ? "" : `${note.host}: `}${note.kind}: ${note.text.replace(/\s*\n\s*/g, " | ")}`

/** What a packet is, on one short line. */
export const formatPacket = (packet: Trace.Segment | Trace.Datagram): string => {
  const { length } = packet.payload
  const text = formatPayload(packet.payload) || formatTls(packet)
  if (packet._tag === "Datagram") return text === "" ? `UDP, ${plural(length, "byte")}` : `UDP ${text}`
  const { acknowledgment, flags, sequence } = packet
  const range = length === 0 ? "" : `${sequence}..${sequence + length - 1}`
  const data = length === 0 ? "" : text === "" ? ` ${range}` : ` ${text}`
  const again = packet.retransmission ? " again" : ""
  return `${nameFlags(flags)}${data}${flags & 16 && length === 0 ? ` ${acknowledgment}` : ""}${again}`
}

/** The records that a segment begins with, if there are any: `TLS ClientHello`. */
export const formatTls = (packet: Trace.Segment | Trace.Datagram): string => {
  const names = packet._tag === "Segment" ? describeRecords(packet.payload) : ""
  return names === "" ? "" : `TLS ${names}`
}

/** A short payload of plain text, in quotes; nothing if it is long, or something else. */
export const formatPayload = (payload: Uint8Array): string => {
  const isPlain = payload.length > 0 && payload.length <= 24 &&
    payload.every((byte) => (byte >= 32 && byte < 127) || byte === 10 || byte === 13)
  return isPlain ? JSON.stringify(String.fromCharCode(...payload)) : ""
}
