import { drain } from "../replacements/microtasks.ts"
import type { Operation } from "../sandbox/operations.ts"
import { entrance, outside } from "../sandbox/place.ts"
import { due, type Sandbox } from "../sandbox/sandbox.ts"
import type { Halt, Limits, Pacer, VirtualTime } from "../time/virtualTime.ts"

/** Why a run came to a halt: nothing could happen, a limit was reached, or the platform has not answered. */
export type Stop =
  | { readonly _tag: "Halt"; readonly halt: Halt }
  | { readonly _tag: "Stalled"; readonly operations: ReadonlyArray<Operation> }

interface Platform {
  readonly setImmediate: (callback: () => void) => void
  readonly setTimeout: (callback: () => void, millis: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
}

// Those of the run outside of it are those of the platform.
const platform = globalThis as unknown as Platform

// Tasks after which other code has its turn.
const slice = 5000

// The longest time of a timer: some weeks.
const longest = 2 ** 31 - 1

// Turns in which nothing happens, after which nothing more will. Node has immediates of its own, which are not seen here: with
// node:http2, the end of a write is one, and what it writes next another.
const quiet = 3

// Milliseconds in which something may still come that the run does not know of, once nothing is left that could happen.
const grace = 50

/**
 * Drives a run that waits for what the platform does. Everything of an instant runs first: tasks, and after each the ticks
 * and microtasks that it leaves, as in Node. Then come the results of the platform, one at a time. When nothing is left,
 * time advances.
 */
export class Driver {
  readonly #time: VirtualTime
  readonly #sandbox: Sandbox
  readonly #patience: number
  readonly enter: (task: () => void) => void
  #isSynchronous = true
  #untilTurn = slice
  // What was left to the event loop when it turned the last time, and how often it has turned since without more.
  #touches = 0
  #quietTurns = quiet

  /** `patience` is in milliseconds of real time. */
  constructor(time: VirtualTime, sandbox: Sandbox, patience: number) {
    this.#time = time
    this.#sandbox = sandbox
    this.#patience = Math.min(patience, longest)
    this.enter = entrance(sandbox.root)
  }

  readonly #pacer: Pacer = {
    onTask: () => {
      if (this.#isSynchronous) return this.#sandbox.touches > 0
      drain()
      return --this.#untilTurn <= 0
    },
    onInstant: () => {
      const { operations, touches } = this.#sandbox
      return this.#isSynchronous
        ? touches > 0
        : touches !== this.#touches || this.#quietTurns < quiet || operations.size > 0
    }
  }

  #run(isDone: () => boolean, limits: Limits): Halt | "pause" | undefined {
    for (;;) {
      const { steps } = this.#time
      try {
        let halt: Halt | "pause" | undefined
        this.enter(() => {
          halt = this.#time.run(isDone, limits, this.#pacer)
        })
        return halt
      } catch (error) {
        if (this.#time.steps === steps) throw error
        // A step threw it, such as the callback of a socket.
        this.#sandbox.onUncaught("", error)
      }
    }
  }

  /** Runs for as long as nothing was left to the event loop; after that, it pauses. */
  runSynchronously(isDone: () => boolean, limits: Limits): Halt | "pause" | undefined {
    return this.#sandbox.touches > 0 ? "pause" : this.#run(isDone, limits)
  }

  /** Whether the event loop may have more to do at this moment. */
  #turns(): boolean {
    const { touches } = this.#sandbox
    if (touches === this.#touches) return this.#quietTurns++ < quiet
    this.#touches = touches
    this.#quietTurns = 0
    return true
  }

  #awaitsPromise(): boolean {
    for (const fiber of this.#sandbox.promised) {
      if (fiber.pollUnsafe() === undefined) return true
    }
    return false
  }

  /** Runs until `isDone`, or until it comes to a halt, and calls back. */
  drive(
    isDone: () => boolean,
    limits: Limits,
    onEnd: (stop: Stop | undefined) => void,
    onDefect: (error: unknown) => void
  ): void {
    this.#isSynchronous = false
    const { operations } = this.#sandbox
    const step = (): void => {
      try {
        for (;;) {
          this.#untilTurn = slice
          const halt = this.#run(isDone, limits)
          if (halt === "nothingLeft" && this.#time.steps !== stepsAtLast && this.#awaitsPromise()) return lastChance()
          if (halt !== "pause") return onEnd(halt && { _tag: "Halt", halt })
          if (this.#untilTurn <= 0) return platform.setImmediate(step)
          if (this.#turns()) return platform.setImmediate(step)
          if (!operations.isReady) return wait()
          const { deliver, place } = operations.take()
          if (deliver !== undefined) due(place, deliver)
        }
      } catch (error) {
        onDefect(error)
      }
    }
    const wait = (): void => {
      const timer = platform.setTimeout(() => {
        operations.onReady = undefined
        onEnd({ _tag: "Stalled", operations: operations.pending.filter(({ deliver }) => deliver === undefined) })
      }, this.#patience)
      operations.onReady = () => {
        operations.onReady = undefined
        outside(() => {
          platform.clearTimeout(timer)
          platform.setImmediate(step)
        })
      }
    }
    // A promise may be answered by something that is not known here, such as a module that is imported.
    let stepsAtLast = -1
    const lastChance = (): void => {
      stepsAtLast = this.#time.steps
      platform.setTimeout(step, grace)
    }
    outside(() => platform.setImmediate(step))
  }
}
