import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Chain, type Link } from "../collection/chain.ts"
import { monotonicMillis } from "./monotonic.ts"
import { untilDue } from "./untilDue.ts"

interface Limited extends Link<Limited> {
  /** In monotonic milliseconds. */
  readonly due: number
  readonly expire: () => void
}

/** Limits how long effects take, with one timer for all that run. A timer for each costs more than a connection. */
export class Timeouts {
  readonly #clock: Clock.Clock
  readonly #run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #limited = new Chain<Limited>()
  #watcher: Fiber.Fiber<void> | undefined = undefined
  #wakesAt = Infinity

  constructor(clock: Clock.Clock, context: Context.Context<never>) {
    this.#clock = clock
    this.#run = Effect.runForkWith(context)
  }

  /** Runs an effect on a fiber of its own. Once `after` milliseconds have passed, interrupts it and fails. */
  limit<A, E, R>(effect: Effect.Effect<A, E, R>, after: number, onTimeout: () => E): Effect.Effect<A, E, R> {
    return Effect.contextWith((context: Context.Context<R>) =>
      Effect.callback((resume) => {
        let isExpired = false
        const fiber = Effect.runForkWith(context)(effect)
        const limited: Limited = {
          due: monotonicMillis(this.#clock) + after,
          expire: () => {
            isExpired = true
            fiber.interruptUnsafe()
          },
          previous: undefined,
          next: undefined
        }
        this.#add(limited)
        fiber.addObserver((exit) => {
          this.#remove(limited)
          resume(isExpired ? Effect.fail(onTimeout()) : exit)
        })
        return Fiber.interrupt(fiber)
      })
    )
  }

  #add(limited: Limited): void {
    this.#limited.add(limited)
    if (limited.due >= this.#wakesAt) return
    this.#watcher?.interruptUnsafe()
    this.#watch()
  }

  // A timer that is left would keep the process from ending.
  #remove(limited: Limited): void {
    this.#limited.remove(limited)
    if (this.#limited.size > 0) return
    this.#watcher?.interruptUnsafe()
    this.#watcher = undefined
    this.#wakesAt = Infinity
  }

  #watch(): void {
    this.#watcher = this.#run(untilDue(this.#clock, (now) => {
      this.#wakesAt = Infinity
      for (const { due, expire } of this.#limited.all) if (due <= now) expire()
      // An effect that was interrupted may have ended others with it.
      for (const { due } of this.#limited.all) if (due > now) this.#wakesAt = Math.min(this.#wakesAt, due)
      return this.#wakesAt === Infinity ? Effect.void : this.#wakesAt - now
    }))
  }
}
