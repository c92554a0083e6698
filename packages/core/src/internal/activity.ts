import type * as Clock from "effect/Clock"

/** What has gone through all the connections of one listener, or all those dialled: plain numbers, read when asked for. */
export interface Traffic {
  open: number
  accepted: number
  refused: number
  failed: number
  handshakesFailed: number
  bytesIn: number
  bytesOut: number
}

export const makeTraffic = (): Traffic => ({
  open: 0,
  accepted: 0,
  refused: 0,
  failed: 0,
  handshakesFailed: 0,
  bytesIn: 0,
  bytesOut: 0
})

/** What has moved on one connection, and when. Times are kept only once someone watches: nobody pays for a clock unread. */
export class Activity {
  bytesIn = 0
  bytesOut = 0
  readonly traffic: Traffic
  #clock: Clock.Clock | undefined = undefined
  lastIn = 0
  lastOut = 0
  readingSince = 0
  writingSince = 0

  constructor(traffic: Traffic) {
    this.traffic = traffic
  }

  watch(clock: Clock.Clock): void {
    if (this.#clock !== undefined) return
    this.#clock = clock
    this.lastIn =
      this.lastOut =
      this.readingSince =
      this.writingSince =
        clock.currentTimeMillisUnsafe()
  }

  received(bytes: number): void {
    this.bytesIn += bytes
    this.traffic.bytesIn += bytes
    if (this.#clock !== undefined) this.lastIn = this.#clock.currentTimeMillisUnsafe()
  }

  sent(bytes: number): void {
    this.bytesOut += bytes
    this.traffic.bytesOut += bytes
    if (this.#clock !== undefined) this.lastOut = this.#clock.currentTimeMillisUnsafe()
  }

  readBegins(): void {
    if (this.#clock !== undefined) this.readingSince = this.#clock.currentTimeMillisUnsafe()
  }

  writeBegins(): void {
    if (this.#clock !== undefined) this.writingSince = this.#clock.currentTimeMillisUnsafe()
  }
}
