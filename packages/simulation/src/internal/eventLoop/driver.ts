import { drain } from "../replacements/microtasks.ts"
import type { Operation } from "../sandbox/operations.ts"
import { entrance, outside } from "../sandbox/place.ts"
import { due, type Sandbox } from "../sandbox/sandbox.ts"
import type { Halt, Limits, Pacer, VirtualTime } from "../time/virtualTime.ts"

/** Why a run stopped: virtual time halted, or operations of the platform did not complete. */
export type Stop =
  | { readonly _tag: "Halt"; readonly halt: Halt }
  | { readonly _tag: "Stalled"; readonly operations: ReadonlyArray<Operation> }

interface Platform {
  readonly setImmediate: (callback: () => void) => void
  readonly setTimeout: (callback: () => void, millis: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
}

// Called outside of the run, where they are the platform's own.
const platform = globalThis as unknown as Platform

// Tasks to run before other code of the process gets a turn.
const slice = 5000

// The longest delay of a timer of Node, in milliseconds.
const longest = 2 ** 31 - 1

// Turns without new work after which the event loop is idle. More than one, because internal immediates of Node are not seen
// here: node:http2 ends a write in one, and begins the next write in another.
const quiet = 3

// Milliseconds to wait for a promise when nothing else is left: work that the run does not know of may resolve it.
const grace = 50

/**
 * Drives a run in the event loop. First everything of an instant runs: tasks, and after each task its ticks and microtasks,
 * as in Node. Then the results of operations are delivered, one at a time. When nothing is left, time advances.
 */
export class Driver {
  readonly #time: VirtualTime
  readonly #sandbox: Sandbox
  readonly #patience: number
  readonly enter: (task: () => void) => void
  #isSynchronous = true
  #untilTurn = slice
  // The touches of the sandbox at the last turn with new work, and the turns since then.
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
      return --this.#untilTurn === 0
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

  /** Runs until something is left to the event loop, and then returns `"pause"`. */
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

  /** Runs until `isDone` or a stop, and then calls `onEnd`. */
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
          if (halt === "nothingLeft" && this.#time.steps !== stepsAtLast && this.#time.awaitsPromise()) {
            return lastChance()
          }
          if (halt !== "pause") return onEnd(halt && { _tag: "Halt", halt })
          if (this.#untilTurn === 0) return platform.setImmediate(step)
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
    // Work that is not known here, such as an import, may resolve a promise.
    let stepsAtLast = -1
    const lastChance = (): void => {
      stepsAtLast = this.#time.steps
      platform.setTimeout(step, grace)
    }
    outside(() => platform.setImmediate(step))
  }
}
