import type * as Clock from "effect/Clock"
import type * as Lending from "../../Lending.ts"
import * as ServerPolicy from "../../ServerPolicy.ts"
import { monotonicMillis } from "../time/monotonic.ts"

/** What has gone through all the connections of one listener, or all outgoing ones: plain numbers, read when asked for. */
export interface Traffic {
  open: number
  accepted: number
  readonly refused: Record<ServerPolicy.Refusal, number>
  failed: number
  handshakesFailed: number
  bytesIn: number
  bytesOut: number
  /** The connections that are bypassed. They count when they are asked. */
  readonly bypassed: Set<Activity>
}

export const makeTraffic = (): Traffic => ({
  open: 0,
  accepted: 0,
  refused: Object.fromEntries(ServerPolicy.refusals.map((why) => [why, 0])) as Traffic["refused"],
  failed: 0,
  handshakesFailed: 0,
  bytesIn: 0,
  bytesOut: 0,
  bypassed: new Set()
})

/** What has moved on one connection, and when. Times are kept once someone watches, and known from then on. */
export class Activity {
  bytesIn = 0
  bytesOut = 0
  readonly traffic: Traffic
  /** A library that reads and writes the stream itself. */
  bypass: Lending.Bypass | undefined = undefined
  #clock: Clock.Clock | undefined = undefined
  // The time within one callback of the transport, so that the clock is read once.
  #now: number | undefined = undefined
  lastIn = 0
  lastOut = 0
  readingSince = 0
  writingSince = 0
  /** Called when a write begins that the system does not take at once. */
  onWriteBegins: (() => void) | undefined = undefined

  constructor(traffic: Traffic) {
    this.traffic = traffic
  }

  /** Begins a bypass, or ends it. */
  route(bypass: Lending.Bypass | undefined): void {
    this.sync()
    this.bypass = bypass
    if (bypass === undefined) return void this.traffic.bypassed.delete(this)
    this.traffic.bypassed.add(this)
    if (this.#clock !== undefined) bypass.watch(this)
  }

  /** Counts what was moved past the connection since the last call. */
  sync(): this {
    if (this.bypass === undefined) return this
    this.bypass.report(this)
    this.settled()
    this.onWriteBegins?.()
    return this
  }

  watch(clock: Clock.Clock): void {
    if (this.#clock !== undefined) return
    this.#clock = clock
    this.bypass?.watch(this)
    this.lastIn = this.lastOut = monotonicMillis(clock)
    this.readingSince = this.writingSince = this.lastIn
  }

  /** When bytes came or went last. */
  get lastMoved(): number {
    return Math.max(this.lastIn, this.lastOut)
  }

  received(bytes: number): void {
    this.bytesIn += bytes
    this.traffic.bytesIn += bytes
    if (this.#clock !== undefined) this.lastIn = this.#now = monotonicMillis(this.#clock)
  }

  /** To be called before the callback that called `received` returns. */
  settled(): void {
    this.#now = undefined
  }

  sent(bytes: number): void {
    this.bytesOut += bytes
    this.traffic.bytesOut += bytes
    if (this.#clock !== undefined) this.lastOut = this.#time(this.#clock)
  }

  readBegins(): void {
    if (this.#clock !== undefined) this.readingSince = this.#time(this.#clock)
  }

  writeBegins(): void {
    if (this.#clock !== undefined) this.writingSince = this.#time(this.#clock)
    this.onWriteBegins?.()
  }

  #time(clock: Clock.Clock): number {
    return this.#now ?? monotonicMillis(clock)
  }

  /** The peer has taken bytes that were sent before. */
  progressed(): void {
    if (this.#clock !== undefined) this.lastOut = monotonicMillis(this.#clock)
  }
}
