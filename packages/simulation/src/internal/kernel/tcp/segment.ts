import type * as Trace from "../../../Trace.ts"
import type { IpStack } from "../../fabric/ipStack.ts"
import { ipHeader, Packet, PacketRecord, type Writable } from "../../fabric/packet.ts"

export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16

export type Range = readonly [start: number, end: number]

export const none = new Uint8Array(0)
const noRanges: ReadonlyArray<Range> = []

/** By what a host finds a connection. */
export const keyOf = (local: Trace.Socket, remote: Trace.Socket): string =>
  `${local.address} ${local.port} ${remote.address} ${remote.port}`

/** What a segment says, beside where it comes from and goes to. */
export interface Contents {
  readonly flags: number
  readonly sequence: number
  readonly sequenceBase: number
  readonly acknowledgment: number
  readonly acknowledgmentBase: number
  readonly window: number
  readonly payload: Uint8Array
  readonly sack: ReadonlyArray<Range>
  readonly maximumSegmentSize: number | undefined
  readonly retransmission: boolean
}

/** A segment that says nothing but these flags. */
export const bare: Contents = {
  flags: 0,
  sequence: 0,
  sequenceBase: 0,
  acknowledgment: 0,
  acknowledgmentBase: 0,
  window: 0,
  payload: none,
  sack: noRanges,
  maximumSegmentSize: undefined,
  retransmission: false
}

/**
 * A TCP segment. Numbers are counted from the sender's initial one, so that they never wrap; the initial number goes with
 * them, and tells apart the connections that had the same addresses one after the other.
 */
export class Segment extends Packet {
  /** By which the receiving host finds the connection. */
  readonly key: string
  readonly flags: number
  readonly sequence: number
  readonly sequenceBase: number
  readonly acknowledgment: number
  readonly acknowledgmentBase: number
  readonly window: number
  readonly sack: ReadonlyArray<Range>
  readonly maximumSegmentSize: number | undefined
  readonly retransmission: boolean

  constructor(
    from: IpStack,
    to: IpStack | undefined,
    source: Trace.Socket,
    destination: Trace.Socket,
    key: string,
    contents: Contents
  ) {
    super(from, to, source, destination, contents.payload)
    this.key = key
    this.flags = contents.flags
    this.sequence = contents.sequence
    this.sequenceBase = contents.sequenceBase
    this.acknowledgment = contents.acknowledgment
    this.acknowledgmentBase = contents.acknowledgmentBase
    this.window = contents.window
    this.sack = contents.sack
    this.maximumSegmentSize = contents.maximumSegmentSize
    this.retransmission = contents.retransmission
  }

  get protocol(): "tcp" {
    return "tcp"
  }

  override get opens(): boolean {
    return (this.flags & (SYN | ACK)) === SYN
  }

  override get resets(): boolean {
    return (this.flags & RST) !== 0
  }

  get size(): number {
    return ipHeader(this.source.address) + 20 + this.payload.length
  }

  /** The sequence number after the last one that it takes up. */
  get end(): number {
    return this.sequence + this.payload.length + (this.flags & (SYN | FIN) ? 1 : 0)
  }

  describe(at: number): Writable<Trace.Segment> {
    return new SegmentRecord(this, at)
  }

  copy(): Segment {
    return new Segment(this.from, this.to, this.source, this.destination, this.key, this)
  }

  translated(from: IpStack, to: IpStack | undefined, source: Trace.Socket, destination: Trace.Socket): Segment {
    return new Segment(from, to, source, destination, keyOf(destination, source), this)
  }

  // The checksum finds it.
  corrupt(): boolean {
    return false
  }

  /** The reset of RFC 9293, section 3.10.7.1. */
  rejection(): Segment {
    const { acknowledgment, acknowledgmentBase, destination, flags, from, sequenceBase, source, to } = this
    const answer = flags & ACK
      ? { ...bare, flags: RST, sequence: acknowledgment, sequenceBase: acknowledgmentBase }
      : { ...bare, flags: RST | ACK, acknowledgment: this.end, acknowledgmentBase: sequenceBase }
    return new Segment(to ?? from, from, destination, source, keyOf(source, destination), answer)
  }

  override reset(): Segment {
    const { acknowledgment, acknowledgmentBase, destination, from, key, sequence, sequenceBase, source, to } = this
    const contents = {
      ...bare,
      flags: RST | ACK,
      sequence,
      sequenceBase,
      acknowledgment,
      acknowledgmentBase
    }
    return new Segment(from, to, source, destination, key, contents)
  }
}

class SegmentRecord extends PacketRecord implements Writable<Trace.Segment> {
  readonly _tag = "Segment"
  flags: number
  sequence: number
  acknowledgment: number
  sequenceBase: number
  acknowledgmentBase: number
  window: number
  sack: ReadonlyArray<Range>
  maximumSegmentSize: number | undefined
  retransmission: boolean

  constructor(segment: Segment, at: number) {
    super(segment, at)
    this.flags = segment.flags
    this.sequence = segment.sequence
    this.acknowledgment = segment.acknowledgment
    this.sequenceBase = segment.sequenceBase
    this.acknowledgmentBase = segment.acknowledgmentBase
    this.window = segment.window
    this.sack = segment.sack
    this.maximumSegmentSize = segment.maximumSegmentSize
    this.retransmission = segment.retransmission
  }
}
