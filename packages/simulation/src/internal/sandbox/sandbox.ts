import * as Clock from "effect/Clock"
import * as Fiber from "effect/Fiber"
import type { Alarms, Pace } from "../time/alarms.ts"
import { CurrentEngine, type Engine } from "../time/engine.ts"
import type { RandomStream } from "../time/random.ts"
import { type AmbientCall, callerOf } from "./caller.ts"
import { Operations } from "./operations.ts"
import { entrance, type Place } from "./place.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

// Further calls are not recorded.
const callLimit = 100

/** What the replaced functions need of a run: its time, its random numbers, its operations. */
export class Sandbox {
  readonly engine: Engine
  readonly random: RandomStream
  /** Whether the run may wait for the event loop. Otherwise it is synchronous. */
  readonly awaits: boolean
  /** The place of code that runs on no host. */
  readonly root: Place
  readonly operations = new Operations()
  readonly calls: Array<AmbientCall> = []
  /** Fibers that wait for a promise. */
  readonly promised = new Set<AnyFiber>()
  /** Timers that were converted to a number. The numbers are negative: those of Node are positive. */
  readonly timers = new Map<number, { readonly close: () => unknown }>()
  lastTimer = 0
  /** How many timers, callbacks, promises and operations were left to the event loop. */
  touches = 0
  /** The run has ended. */
  isOver = false
  /** Called for an uncaught exception. */
  onUncaught: (host: string, error: unknown) => void = () => {}
  /** Called for a call of a refused function. It throws. */
  onRefused: (name: string, caller: string) => void = () => {}

  constructor(engine: Engine, pace: Pace, random: RandomStream, awaits: boolean) {
    this.engine = engine
    this.random = random
    this.awaits = awaits
    this.root = this.#place(engine, pace, "")
  }

  #place(alarms: Alarms, pace: Pace, host: string): Place {
    return { sandbox: this, alarms, pace, host, due: [] }
  }

  /** Returns how to run tasks of a process. */
  readonly contextOf = (alarms: Alarms, pace: Pace, host: string): (task: () => void) => void => {
    const place = this.#place(alarms, pace, host)
    const enter = entrance(place)
    return (task) => enter(() => guard(place, task))
  }

  /** Records the use of a timer or a callback, which a synchronous run never calls. */
  note(name: string): void {
    if (!this.awaits && this.calls.length < callLimit) this.calls.push({ name, caller: callerOf() })
    this.touches++
  }

  /** Records that the current fiber waits for a promise. */
  promise(): void {
    this.touches++
    const fiber = this.#fiber
    if (fiber !== undefined) this.promised.add(fiber)
  }

  /** The Clock of the current fiber, if it is a fiber of this run. */
  get clock(): Clock.Clock | undefined {
    return this.#fiber?.getRef(Clock.Clock)
  }

  // The fiber that runs the simulation is not a fiber of the run.
  get #fiber(): AnyFiber | undefined {
    const fiber = Fiber.getCurrent()
    return fiber?.getRef(CurrentEngine) === this.engine ? fiber : undefined
  }
}

/** Schedules a callback as a task of its own at a place, after the callbacks that were due before it. */
export const due = (place: Place, callback: () => void): void => {
  place.due.push(callback)
  place.alarms.submit(() => guard(place, place.due.shift()!))
}

/** Runs a callback of the platform. An exception fails the run. */
export const guard = (place: Place, callback: () => void): void => {
  const { alarms, sandbox } = place
  if (alarms.isDead === true) return
  try {
    callback()
  } catch (error) {
    if (!sandbox.isOver) sandbox.onUncaught(place.host, error)
  }
}
