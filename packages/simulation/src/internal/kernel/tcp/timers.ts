import type { Engine } from "../../time/engine.ts"
import type { Event } from "../../time/eventQueue.ts"

/** When which timer of a connection runs out. Microseconds; Infinity is never. */
export class Timers implements Event {
  readonly #engine: Engine
  readonly #onExpired: () => void
  place = -1
  // When it looks at them next.
  #at = Infinity
  /** What is in flight has not been acknowledged in time (RFC 6298). */
  retransmitAt = Infinity
  /** What has come is acknowledged at the latest (RFC 9293, section 3.8.6.3). */
  acknowledgeAt = Infinity
  /** What seemed reordered is lost (RFC 8985). */
  reorderAt = Infinity
  /** A window without room is probed (RFC 9293, section 3.8.6.1). */
  persistAt = Infinity
  /** A peer that is silent is probed (RFC 9293, section 3.8.4). */
  keepAliveAt = Infinity
  /** The connection is forgotten. */
  expireAt = Infinity

  constructor(engine: Engine, onExpired: () => void) {
    this.#engine = engine
    this.#onExpired = onExpired
  }

  /** To be called when one of them was set: one event serves them all. */
  schedule(): void {
    const at = Math.min(
      this.retransmitAt,
      this.acknowledgeAt,
      this.reorderAt,
      this.persistAt,
      this.keepAliveAt,
      this.expireAt
    )
    // A timer that is set for earlier looks again when it runs out.
    if (at >= this.#at) return
    this.#engine.cancel(this)
    this.#at = Math.max(at, this.#engine.now)
    this.#engine.schedule(this, at)
  }

  run(): void {
    this.#at = Infinity
    this.#onExpired()
  }

  /** Nothing is sent any more, but acknowledgments. */
  stopSending(): void {
    this.retransmitAt =
      this.persistAt =
      this.keepAliveAt =
      this.reorderAt =
        Infinity
  }

  stop(): void {
    this.#engine.cancel(this)
    this.#at = Infinity
    this.stopSending()
    this.acknowledgeAt = this.expireAt = Infinity
  }
}
