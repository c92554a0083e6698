import type * as Trace from "../../Trace.ts"
import type { Event } from "../time/eventQueue.ts"
import type { RandomStream } from "../time/random.ts"
import type { IpStack } from "./ipStack.ts"

/** A record while its packet is still in flight. */
export type Writable<A> = { -readonly [K in keyof A]: A[K] }

/** One IP packet, or all the fragments of one. */
export abstract class Packet implements Event {
  place = -1
  /** Its record in the trace; `undefined` if there is no trace. */
  record: Writable<Trace.Segment> | Writable<Trace.Datagram> | undefined = undefined
  readonly from: IpStack
  to: IpStack | undefined
  readonly source: Trace.Socket
  readonly destination: Trace.Socket
  payload: Uint8Array

  constructor(
    from: IpStack,
    to: IpStack | undefined,
    source: Trace.Socket,
    destination: Trace.Socket,
    payload: Uint8Array
  ) {
    this.from = from
    this.to = to
    this.source = source
    this.destination = destination
    this.payload = payload
  }

  /** Bytes, IP header included. */
  abstract get size(): number
  abstract readonly protocol: "tcp" | "udp" | "icmp"
  /** Whether routers may fragment it: datagrams alone, as TCP finds out what fits. */
  get fragments(): boolean {
    return this.protocol === "udp"
  }
  /** Its record in the trace, if it is shown there. */
  abstract describe(at: number): Writable<Trace.Segment> | Writable<Trace.Datagram> | undefined
  /** Another packet with the same contents. */
  abstract copy(): Packet
  /** Another packet with the same contents, that a router sends between two other sockets. */
  abstract translated(from: IpStack, to: IpStack | undefined, source: Trace.Socket, destination: Trace.Socket): Packet
  /** Flips a bit. Returns whether the packet still arrives. */
  abstract corrupt(random: RandomStream): boolean
  /** Whether it may begin a flow: of the segments of TCP, those with SYN alone. */
  get opens(): boolean {
    return true
  }

  /** Whether it resets a connection. */
  get resets(): boolean {
    return false
  }

  /** A reset in its place, for its receiver, if it is of a connection. */
  reset(): Packet | undefined {
    return undefined
  }

  /** What tells its sender that nobody takes it: a reset, or an ICMP error. */
  abstract rejection(): Packet | undefined

  /** The packet arrives. */
  run(): void {
    const { to } = this
    if (to === undefined) return
    if (to.isPowered) to.receive(this)
    else this.drop("hostDown")
  }

  drop(fate: Trace.Fate): void {
    if (this.record !== undefined && !this.from.hasEnded) this.record.fate = fate
  }
}

/** What the trace records of every packet, when it is sent. */
export abstract class PacketRecord {
  at: number
  arrival: number | undefined = undefined
  fate: Trace.Fate = "arrives"
  duplicate = false
  from: string
  to: string
  source: Trace.Socket
  destination: Trace.Socket
  payload: Uint8Array

  constructor(packet: Packet, at: number) {
    this.at = at
    this.from = packet.from.name
    this.to = packet.to === undefined ? "" : packet.to.name
    this.source = packet.source
    this.destination = packet.destination
    this.payload = packet.payload
  }
}

export const isIpv6 = (address: string): boolean => address.includes(":")

/** Bytes of the IP header. */
export const ipHeader = (address: string): number => isIpv6(address) ? 40 : 20
