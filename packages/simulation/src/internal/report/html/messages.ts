import * as Framing from "@sluice/framing/Framing"
import type * as Trace from "../../../Trace.ts"
import { formatSocket } from "../trace/format.ts"
import type { HtmlOptions, MessageDecoder } from "./options.ts"
import { describeValue } from "./value.ts"

type Packet = Trace.Segment | Trace.Datagram

// Segments of one stream that wait for those before them, and messages that a packet is shown with.
const pendingLimit = 1024
const shownLimit = 20

/** One direction of a connection. */
interface ByteStream {
  readonly decoder: Framing.Decoder<unknown>
  /** The sequence number of the first byte that was not decoded. */
  next: number
  /** Whether an error ended the decoding. */
  hasEnded: boolean
  readonly pending: Map<number, Uint8Array>
  /** The messages, each with the sequence number behind its last byte. */
  readonly messages: Array<{ readonly end: number; readonly text: string }>
}

/** The messages that end in each packet, by name: of the ports that `decode` has. */
export const decodeMessages = (
  records: ReadonlyArray<Trace.Record>,
  decode: HtmlOptions["decode"] = {}
): (packet: Packet) => ReadonlyArray<string> => {
  const streams = new Map<string, ByteStream | undefined>()
  for (const record of records) {
    if (record._tag !== "Segment") continue
    const framing = framingOf(record, decode)
    if (framing === undefined) continue
    const key = keyOf(record)
    // A stream whose beginning was not kept cannot be decoded: its first message would be taken for another.
    if (!streams.has(key)) streams.set(key, record.sequence <= 1 ? begin(framing) : undefined)
    const stream = streams.get(key)
    if (stream !== undefined && record.payload.length > 0) feed(stream, record.sequence, record.payload)
  }
  return (packet) => {
    const { payload } = packet
    if (payload.length === 0) return []
    const decoder = decoderOf(packet, decode)?.decoder
    if (typeof decoder === "function") return [describeBy(decoder, payload)]
    if (packet._tag === "Datagram") {
      const framing = framingOf(packet, decode)
      return framing === undefined ? [] : decodeWhole(framing, payload)
    }
    const end = packet.sequence + payload.length
    return streams.get(keyOf(packet))?.messages.filter((each) => each.end > packet.sequence && each.end <= end)
      .slice(0, shownLimit).map(({ text }) => text) ?? []
  }
}

const keyOf = ({ destination, sequenceBase, source }: Trace.Segment): string =>
  `${formatSocket(source)} ${formatSocket(destination)} ${sequenceBase}`

const decoderOf = ({ destination, source }: Packet, decode: NonNullable<HtmlOptions["decode"]>) => {
  const request = decode[destination.port]
  if (request !== undefined) return { decoder: request, isRequest: true }
  const response: MessageDecoder | undefined = decode[source.port]
  return response === undefined ? undefined : { decoder: response, isRequest: false }
}

const framingOf = (
  packet: Packet,
  decode: NonNullable<HtmlOptions["decode"]>
): Framing.Framing<never, unknown> | undefined => {
  const found = decoderOf(packet, decode)
  if (found === undefined || typeof found.decoder === "function") return undefined
  const { decoder, isRequest } = found
  if (!("requests" in decoder)) return decoder
  return isRequest ? decoder.requests : decoder.responses
}

const begin = (framing: Framing.Framing<never, unknown>): ByteStream => ({
  decoder: Framing.makeDecoder(framing),
  next: 1,
  hasEnded: false,
  pending: new Map(),
  messages: []
})

const feed = (stream: ByteStream, sequence: number, payload: Uint8Array): void => {
  const { decoder, messages, pending } = stream
  if (stream.hasEnded || sequence + payload.length <= stream.next) return
  if (sequence > stream.next) {
    if (pending.size < pendingLimit) pending.set(sequence, payload)
    return
  }
  decoder.feed(payload.slice(stream.next - sequence))
  stream.next = sequence + payload.length
  for (const text of framesOf(decoder)) messages.push({ end: decoder.offset + 1, text })
  if (decoder.error !== undefined) {
    stream.hasEnded = true
    messages.push({ end: stream.next, text: `invalid: ${decoder.error.message}` })
  }
  for (const [at, waiting] of pending) {
    if (at > stream.next) continue
    pending.delete(at)
    feed(stream, at, waiting)
  }
}

const framesOf = function*(decoder: Framing.Decoder<unknown>): Iterable<string> {
  while (true) {
    const frame = decoder.next()
    if (frame === Framing.noFrame) return
    yield describeValue(frame)
  }
}

const decodeWhole = (framing: Framing.Framing<never, unknown>, payload: Uint8Array): ReadonlyArray<string> => {
  const decoder = Framing.makeDecoder(framing)
  decoder.feed(payload.slice())
  decoder.finish()
  const texts = Array.from(framesOf(decoder)).slice(0, shownLimit)
  return decoder.error === undefined ? texts : [...texts, `invalid: ${decoder.error.message}`]
}

const describeBy = (describe: (payload: Uint8Array) => string, payload: Uint8Array): string => {
  try {
    return describe(payload.slice())
  } catch (error) {
    return `invalid: ${error instanceof Error ? error.message : String(error)}`
  }
}
