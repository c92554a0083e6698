import * as Framing from "@sluice/framing/Framing"
import type * as Rule from "../../../Rule.ts"

// Directions of connections that are decoded at once, and ends of messages that each remembers for retransmissions.
const streamLimit = 4096
const endLimit = 1024

/** One direction of a connection. */
interface ByteStream<In> {
  readonly decoder: Framing.Decoder<In>
  /** The sequence number of the first byte that is decoded, and of the next one. */
  readonly first: number
  next: number
  isInvalid: boolean
  /** The sequence numbers behind the messages that matched. */
  ends: Array<number>
}

/** Finds the packets in which certain messages end. */
export class FrameMatcher<In> {
  readonly #framing: Framing.Framing<never, In>
  readonly #predicate: (frame: In, packet: Rule.Packet) => boolean
  readonly #streams = new Map<string, ByteStream<In>>()

  constructor(framing: Framing.Framing<never, In>, predicate: (frame: In, packet: Rule.Packet) => boolean) {
    this.#framing = framing
    this.#predicate = predicate
  }

  matches(packet: Rule.Packet): boolean {
    if (packet.payload.length === 0) return false
    return packet.protocol === "udp" ? this.#inDatagram(packet) : this.#inSegment(packet)
  }

  #inDatagram(packet: Rule.Packet): boolean {
    const decoder = Framing.makeDecoder(this.#framing)
    decoder.feed(packet.payload.slice())
    decoder.finish()
    return this.#frames(decoder, packet).next().done !== true
  }

  #inSegment(packet: Rule.Packet): boolean {
    const { flow, payload, sequence } = packet
    const stream = this.#streams.get(flow) ?? this.#begin(flow, sequence)
    const end = sequence + payload.length
    // What is sent for the first time follows what was sent before.
    if (sequence > stream.next) stream.isInvalid = true
    if (!stream.isInvalid && end > stream.next) {
      stream.decoder.feed(payload.slice(stream.next - sequence))
      stream.next = end
      for (const offset of this.#frames(stream.decoder, packet)) stream.ends.push(stream.first + offset)
      if (stream.ends.length > endLimit) stream.ends = stream.ends.slice(-endLimit)
      stream.isInvalid = stream.decoder.error !== undefined
    }
    return stream.ends.some((each) => each > sequence && each <= end)
  }

  #begin(flow: string, first: number): ByteStream<In> {
    const stream: ByteStream<In> = {
      decoder: Framing.makeDecoder(this.#framing),
      first,
      next: first,
      isInvalid: false,
      ends: []
    }
    this.#streams.set(flow, stream)
    if (this.#streams.size > streamLimit) this.#streams.delete(this.#streams.keys().next().value!)
    return stream
  }

  /** Where the messages end that match. */
  *#frames(decoder: Framing.Decoder<In>, packet: Rule.Packet): Generator<number> {
    for (let frame = decoder.next(); frame !== Framing.noFrame; frame = decoder.next()) {
      if (this.#predicate(frame as In, packet)) yield decoder.offset
    }
  }
}
