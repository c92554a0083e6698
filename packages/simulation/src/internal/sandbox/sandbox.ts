import * as Clock from "effect/Clock"
import * as Fiber from "effect/Fiber"
import { CurrentEngine, type Engine } from "../time/engine.ts"
import type { Alarms, Pace } from "../time/place.ts"
import type { RandomStream } from "../time/random.ts"
import { callerOf } from "./caller.ts"
import { Operations } from "./operations.ts"
import { entrance, type Place } from "./place.ts"

/** A call of something of the platform, whose answer cannot come before a synchronous run is over. */
export interface AmbientCall {
  /** `"setTimeout"` */
  readonly name: string
  /** The line of the caller's stack. */
  readonly caller: string
}

type AnyFiber = Fiber.Fiber<unknown, unknown>

// Enough to see that there are more.
const callLimit = 100

/** What a run is to the code in it: its time, its chance, and what it has asked of the platform. */
export class Sandbox {
  readonly engine: Engine
  readonly random: RandomStream
  /** Whether the run waits for what the platform does. Otherwise it runs from end to end without a pause. */
  readonly awaits: boolean
  /** The place of what runs on no host. */
  readonly root: Place
  readonly operations = new Operations()
  readonly calls: Array<AmbientCall> = []
  /** Fibers that wait for a promise. */
  readonly promised = new Set<AnyFiber>()
  /** Counts what was left to the event loop. */
  touches = 0
  /** Nothing of the run happens any more. */
  isOver = false
  /** Told of an exception that nobody caught. */
  onUncaught: (host: string, error: unknown) => void = () => {}
  /** Told of a call of something that has no part in a simulation, which it throws an error for. */
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

  /** How tasks of a process run. */
  readonly contextOf = (alarms: Alarms, pace: Pace, host: string): (task: () => void) => void => {
    const place = this.#place(alarms, pace, host)
    const enter = entrance(place)
    return (task) => enter(() => guard(place, task))
  }

  /** Notes what a synchronous run will not answer. */
  note(name: string): void {
    if (!this.awaits && this.calls.length < callLimit) this.calls.push({ name, caller: callerOf() })
    this.touches++
  }

  /** Notes that the fiber which runs now waits for a promise. */
  promise(): void {
    this.touches++
    const fiber = this.#fiber
    if (fiber !== undefined) this.promised.add(fiber)
  }

  /** The Clock of the fiber that runs now, if one of this run does. */
  get clock(): Clock.Clock | undefined {
    return this.#fiber?.getRef(Clock.Clock)
  }

  // The fiber that runs the simulation is none of its own.
  get #fiber(): AnyFiber | undefined {
    const fiber = Fiber.getCurrent()
    return fiber?.getRef(CurrentEngine) === this.engine ? fiber : undefined
  }
}

/** Lets a callback run at its place, as a task of its own, after those that were due before it. */
export const due = (place: Place, callback: () => void): void => {
  place.due.push(callback)
  place.alarms.submit(() => guard(place, place.due.shift()!))
}

/** Runs a callback of the platform. What it throws fails the run. */
export const guard = (place: Place, callback: () => void): void => {
  const { alarms, sandbox } = place
  if (alarms.isDead === true) return
  try {
    callback()
  } catch (error) {
    if (!sandbox.isOver) sandbox.onUncaught(place.host, error)
  }
}
