import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Engine } from "../time/engine.ts"
import type { Gate } from "../time/gate.ts"
import { sleep } from "../time/sleep.ts"

/** The clock of a machine: what it counts by (`drift`), and what it shows (`skew`). */
export class HostTime {
  readonly #engine: Engine
  readonly #slept: (micros: number) => void
  /** Milliseconds by which the wall clock is ahead. */
  skew = 0
  // It has counted `#counted` when the engine had `#since`, in microseconds, and goes `#rate` times as fast since.
  #rate = 1
  #since = 0
  #counted = 0

  constructor(engine: Engine, slept: (micros: number) => void) {
    this.#engine = engine
    this.#slept = slept
  }

  /** Microseconds that this machine has counted. */
  get monotonic(): number {
    return Math.round(this.#counted + (this.#engine.now - this.#since) * this.#rate)
  }

  /** Milliseconds since the epoch, as this machine has them. */
  get wall(): number {
    return Math.floor(this.#engine.epoch + this.monotonic / 1000 + this.skew)
  }

  get rate(): number {
    return this.#rate
  }

  /** How many of its seconds pass in a second. */
  set rate(rate: number) {
    this.#counted = this.monotonic
    this.#since = this.#engine.now
    this.#rate = rate
  }

  /** A Clock for a process: sleepers pass its gate. */
  clock(base: Clock.Clock, gate: Gate): Clock.Clock {
    const millis = () => this.wall
    const monotonic = () => BigInt(this.monotonic) * 1000n
    const nanos = () => monotonic() + BigInt(Math.round((this.#engine.epoch + this.skew) * 1e6))
    // It keeps the other abilities of the Clock, such as being adjusted, also those of a class.
    return Object.assign(Object.create(Object.getPrototypeOf(base) as object) as Clock.Clock, base, {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration: Duration.Duration) =>
        Effect.suspend(() => {
          const micros = Duration.toMillis(duration) * 1000
          this.#slept(micros)
          return sleep(this.#engine, gate, micros / this.#rate)
        })
    })
  }
}
