import type * as Clock from "effect/Clock"
import * as Latch from "effect/Latch"
import { Chain } from "../collection/chain.ts"
import type { Session } from "./session.ts"

/** The open sessions of a server. */
export class Sessions extends Chain<Session> {
  readonly #none = Latch.makeUnsafe(true)
  #clock: Clock.Clock | undefined = undefined

  /** Keeps the times of activity from now on, of the sessions to come too. */
  keepTimes(clock: Clock.Clock): void {
    this.#clock = clock
    for (const { connection } of this.all) connection.activity.watch(clock)
  }

  override add(session: Session): Session {
    if (this.#clock !== undefined) session.connection.activity.watch(this.#clock)
    this.#none.closeUnsafe()
    return super.add(session)
  }

  override remove(session: Session): boolean {
    const wasOpen = super.remove(session)
    if (this.size === 0) this.#none.openUnsafe()
    return wasOpen
  }

  /** Waits until no session is open. */
  readonly allEnded = this.#none.await
}
