import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ConnectionState } from "./connection.ts"

/** A connection that is being served. */
export interface Session {
  readonly connection: ConnectionState
  /** The peer's address, where connections are counted by it. */
  readonly host: string | undefined
  /** When it began, by the server's clock. */
  readonly since: number
  /** What runs the handler. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

/** The sessions of a server that are open now. */
export class Sessions {
  readonly #open = new Map<number, Session>()
  readonly #perHost = new Map<string, number>()
  #waiting: Array<() => void> = []
  /** Hears of every session that has ended. */
  onEnd: () => void = () => {}

  get size(): number {
    return this.#open.size
  }

  from(host: string): number {
    return this.#perHost.get(host) ?? 0
  }

  get all(): ReadonlyArray<Session> {
    return Array.from(this.#open.values())
  }

  add(session: Session): void {
    const { connection, host } = session
    this.#open.set(connection.id, session)
    if (host !== undefined) this.#perHost.set(host, this.from(host) + 1)
  }

  remove(session: Session): void {
    const { connection, host } = session
    this.#open.delete(connection.id)
    if (host !== undefined) {
      const left = this.from(host) - 1
      if (left === 0) this.#perHost.delete(host)
      else this.#perHost.set(host, left)
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
