import type { Path } from "./path.ts"
import * as Settings from "./settings.ts"
import type { Timers } from "./timers.ts"

/** Finds out whether a silent peer is still there (RFC 9293, section 3.8.4). */
export class KeepAlive {
  readonly #path: Path
  readonly #timers: Timers
  // How long the peer may be silent, in microseconds.
  readonly #patience: number
  #heardAt = 0
  #probes = 0

  constructor(path: Path, timers: Timers, patience: number) {
    this.#path = path
    this.#timers = timers
    this.#patience = patience
  }

  /** The connection is open. The timers are scheduled when the segment that opened it has been handled. */
  start(): void {
    this.#timers.keepAliveAt = this.#path.now + this.#patience
  }

  /** Something has come. */
  heard(): void {
    this.#heardAt = this.#path.now
    this.#probes = 0
  }

  /** The timer has run out. While something is in flight, retransmission finds out as much. */
  expire(isUnderWay: boolean): "wait" | "probe" | "giveUp" {
    const { now } = this.#path
    const due = this.#heardAt + this.#patience
    if (this.#probes === 0 && due > now) {
      this.#timers.keepAliveAt = due
      return "wait"
    }
    if (isUnderWay) {
      this.#timers.keepAliveAt = now + this.#patience
      return "wait"
    }
    if (this.#probes === Settings.keepAliveProbes) return "giveUp"
    this.#probes++
    this.#timers.keepAliveAt = now + Settings.keepAliveInterval
    return "probe"
  }
}
