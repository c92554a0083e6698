import type * as Trace from "../../Trace.ts"
import type { HostState } from "../kernel/host.ts"
import type { Writable } from "../report/trace/buffer.ts"
import type { Event } from "../time/eventQueue.ts"
import type { RandomStream } from "../time/random.ts"

/** One IP packet, or all the fragments of one. */
export abstract class Packet implements Event {
  at = 0
  order = 0
  cancelled = false
  /** What the trace says of it, unless there is no trace. */
  record: Writable<Trace.Segment> | Writable<Trace.Datagram> | undefined = undefined
  readonly from: HostState
  to: HostState | undefined
  readonly source: Trace.Socket
  readonly destination: Trace.Socket
  payload: Uint8Array

  constructor(
    from: HostState,
    to: HostState | undefined,
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
  /** Whether routers may cut it. */
  abstract readonly fragments: boolean
  abstract describe(at: number): Writable<Trace.Segment> | Writable<Trace.Datagram>
  /** Another one of the same contents. */
  abstract copy(): Packet
  /** Turns over a bit. Answers whether it still arrives. */
  abstract corrupt(random: RandomStream): boolean
  abstract deliver(host: HostState): void

  /** It arrives. */
  run(): void {
    const { to } = this
    if (to === undefined) return
    if (to.isUp) this.deliver(to)
    else this.drop("hostDown")
  }

  drop(fate: Trace.Fate): void {
    if (this.record !== undefined) this.record.fate = fate
  }
}

export const isIpv6 = (address: string): boolean => address.includes(":")

/** Bytes of the IP header. */
export const ipHeader = (address: string): number => isIpv6(address) ? 40 : 20
