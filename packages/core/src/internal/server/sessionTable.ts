import type * as Clock from "effect/Clock"
import * as Latch from "effect/Latch"
import type { Session } from "./session.ts"

/** The open sessions of a server. */
export class Sessions {
  readonly #open = new Map<number, Session>()
  readonly #none = Latch.makeUnsafe(true)
  #clock: Clock.Clock | undefined = undefined

  get size(): number {
    return this.#open.size
  }

  get(id: number): Session | undefined {
    return this.#open.get(id)
  }

  /** All of them, the oldest first. */
  get all(): ReadonlyArray<Session> {
    return Array.from(this.#open.values())
  }

  /** Keeps the times of activity from now on, of the sessions to come too. */
  keepTimes(clock: Clock.Clock): void {
    this.#clock = clock
    for (const { connection } of this.#open.values()) connection.activity.watch(clock)
  }

  add(session: Session): void {
    if (this.#clock !== undefined) session.connection.activity.watch(this.#clock)
    this.#open.set(session.connection.id, session)
    this.#none.closeUnsafe()
  }

  remove(session: Session): void {
    this.#open.delete(session.connection.id)
    if (this.size === 0) this.#none.openUnsafe()
  }

  /** Waits until no session is open. */
  readonly allEnded = this.#none.await
}
