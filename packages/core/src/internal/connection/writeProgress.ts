import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ConnectionState } from "./state.ts"

/**
 * Notices that the peer takes what is written, before the system has room for more.
 *
 * A system reports room in large steps: Linux when a third of the send buffer is free, which a slow peer may take a minute
 * for. While a write waits, this asks the transport how much the peer has not acknowledged, and counts a change as
 * activity. It asks every `interval`, because one answer alone tells nothing, and does nothing while no write waits.
 */
export class WriteProgress {
  readonly #connection: ConnectionState
  readonly #interval: Duration.Duration
  readonly #run: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  #sampling: Fiber.Fiber<void> | undefined = undefined
  // What the peer had not acknowledged when it was asked last, while the same write waited.
  #outstanding: number | undefined = undefined

  /** `interval` in milliseconds. */
  constructor(connection: ConnectionState, interval: number, run: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>) {
    this.#connection = connection
    this.#interval = Duration.millis(interval)
    this.#run = run
    connection.activity.onWriteBegins = () => this.#start()
    this.#start()
  }

  stop(): void {
    this.#connection.activity.onWriteBegins = undefined
    this.#sampling?.interruptUnsafe()
  }

  #start(): void {
    if (this.#sampling === undefined && this.#connection.output.isWaiting) this.#sampling = this.#run(this.#sample)
  }

  readonly #sample: Effect.Effect<void> = Effect.suspend(() =>
    Effect.flatMap(Effect.sleep(this.#interval), () => {
      if (this.#connection.output.isWaiting) return Effect.andThen(this.check, this.#sample)
      this.#sampling = undefined
      this.#outstanding = undefined
      return Effect.void
    })
  )

  /** Asks, and answers whether the peer has taken something since it was asked last. */
  readonly check: Effect.Effect<boolean> = Effect.suspend(() => {
    const { activity, transport } = this.#connection
    return Effect.map(transport.unacknowledged ?? unknown, (outstanding) => {
      const before = this.#outstanding
      this.#outstanding = outstanding
      // More of it than before means that there was room for more.
      const moved = before !== undefined && outstanding !== undefined && outstanding !== before
      if (moved) activity.progressed()
      return moved
    })
  })
}

const unknown = Effect.succeed(undefined)
