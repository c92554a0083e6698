import * as Effect from "effect/Effect"
import type { Prefix } from "../accept/networkSet.ts"
import type { Session } from "./session.ts"

/** The sessions of a server that are open now. */
export class Sessions {
  readonly #open = new Map<number, Session>()
  readonly #perSource = new Map<Prefix, number>()
  #waiting: Array<() => void> = []
  /** Hears of every session that has ended. */
  onEnd: () => void = () => {}

  get size(): number {
    return this.#open.size
  }

  from(source: Prefix): number {
    return this.#perSource.get(source) ?? 0
  }

  get(id: number): Session | undefined {
    return this.#open.get(id)
  }

  get all(): ReadonlyArray<Session> {
    return Array.from(this.#open.values())
  }

  add(session: Session): void {
    this.#open.set(session.connection.id, session)
    this.#count(session)
  }

  /** Counts by other sources from now on. */
  recount(sourceOf: (session: Session) => Prefix | undefined): void {
    this.#perSource.clear()
    for (const session of this.#open.values()) {
      session.source = sourceOf(session)
      this.#count(session)
    }
  }

  #count({ source }: Session): void {
    if (source !== undefined) this.#perSource.set(source, this.from(source) + 1)
  }

  remove(session: Session): void {
    const { connection, source } = session
    this.#open.delete(connection.id)
    if (source !== undefined) {
      const left = this.from(source) - 1
      if (left === 0) this.#perSource.delete(source)
      else this.#perSource.set(source, left)
    }
    this.onEnd()
    if (this.size > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  /** Waits until no session is open. */
  readonly allEnded: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.size === 0) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    this.#waiting.push(wake)
    return Effect.sync(() => {
      this.#waiting = this.#waiting.filter((each) => each !== wake)
    })
  })
}
