import type * as Trace from "../../Trace.ts"
import type { Writable } from "../fabric/packet.ts"
import type { World } from "./world.ts"

// Calls that are kept: the last ones.
const limit = 10_000

/** Records when the calls of histories began and were answered. */
export class CallLog {
  readonly #world: World
  #calls: Array<Writable<Trace.Call>> = []

  constructor(world: World) {
    this.#world = world
  }

  /** Begins a call. Returns how it ends: answered; or refused, as if it had not been. */
  begin(call: Trace.Call["call"], host: string): (outcome: "answered" | "refused") => void {
    const world = this.#world
    const { now } = world.engine
    const made = { at: now, until: undefined, position: world.recorded, endPosition: undefined, host, call }
    const entry: Writable<Trace.Call> = made
    if (!world.hasEnded) this.#calls.push(entry)
    if (this.#calls.length >= 2 * limit) this.#calls = this.#calls.slice(-limit)
    return (outcome) => {
      if (world.hasEnded) return
      if (outcome === "refused") {
        const index = this.#calls.lastIndexOf(entry)
        if (index >= 0) this.#calls.splice(index, 1)
        return
      }
      entry.until = world.engine.now
      entry.endPosition = world.recorded
    }
  }

  /** The last calls, in the order in which they began. */
  get snapshot(): ReadonlyArray<Trace.Call> {
    return this.#calls.slice(-limit).map((each) => ({ ...each }))
  }
}
