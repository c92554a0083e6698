import { callerOf } from "./caller.ts"
import type { Place } from "./place.ts"

/** Something that the platform does meanwhile, such as reading a file. */
export interface Operation {
  /** `"fs.readFile"` */
  readonly name: string
  /** The line of the caller's stack. */
  readonly caller: string
  readonly place: Place
  /** Delivers the result, once it is there. */
  deliver: (() => void) | undefined
}

/**
 * What the platform does for a run. It takes no virtual time, and its results are delivered in the order in which it was
 * begun: so that the run does not depend on which is faster.
 */
export class Operations {
  readonly #pending: Array<Operation> = []
  readonly #counts = new Map<string, number>()
  /** Told when the result of the first one is there. */
  onReady: (() => void) | undefined = undefined

  get size(): number {
    return this.#pending.length
  }

  get pending(): ReadonlyArray<Operation> {
    return this.#pending
  }

  /** How many there were, by name. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  begin(place: Place, name: string): Operation {
    const operation: Operation = { name, caller: callerOf(), place, deliver: undefined }
    this.#pending.push(operation)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    place.sandbox.touches++
    return operation
  }

  /** It was not begun after all. */
  cancel(operation: Operation): void {
    const index = this.#pending.indexOf(operation)
    if (index >= 0) this.#pending.splice(index, 1)
  }

  complete(operation: Operation, deliver: () => void): void {
    operation.deliver = deliver
    if (this.isReady) this.onReady?.()
  }

  get isReady(): boolean {
    const [first] = this.#pending
    return first !== undefined && (first.deliver !== undefined || first.place.alarms.isDead === true)
  }

  /** Takes the first one, whose result is there, or which belongs to a process that is dead. */
  take(): Operation {
    return this.#pending.shift()!
  }
}
