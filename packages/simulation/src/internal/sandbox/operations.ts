import { captureCaller } from "./caller.ts"
import type { Place } from "./place.ts"

/** An operation that the platform performs for a run, such as reading a file. */
export interface Operation {
  /** `"fs.readFile"` */
  readonly name: string
  /** Finds the line of the caller's stack. */
  readonly caller: () => string
  readonly place: Place
  /** Delivers the result. `undefined` until the operation completes. */
  deliver: (() => void) | undefined
}

/**
 * The operations that the platform performs for a run. They take no virtual time. Their results are delivered in the order
 * in which they began, so that the run does not depend on which completes first.
 */
export class Operations {
  readonly #pending: Array<Operation> = []
  readonly #counts = new Map<string, number>()
  /** Called when the first operation is ready to be taken. */
  onReady: (() => void) | undefined = undefined

  get size(): number {
    return this.#pending.length
  }

  get pending(): ReadonlyArray<Operation> {
    return this.#pending
  }

  /** How many have begun, by name. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  begin(place: Place, name: string): Operation {
    const operation: Operation = { name, caller: captureCaller(), place, deliver: undefined }
    this.#pending.push(operation)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    place.sandbox.touches++
    return operation
  }

  /** Removes an operation that the platform did not begin. */
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

  /** Takes the first operation, which has completed, or belongs to a dead process. */
  take(): Operation {
    return this.#pending.shift()!
  }
}
