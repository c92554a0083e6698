import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Server from "../../Server.ts"
import type * as ServerEvent from "../../ServerEvent.ts"
import type { Prefix } from "../accept/networkSet.ts"
import type { ConnectionState } from "../connection/state.ts"

/** Who asked for the end of a connection, if it was not its handler. */
export type Interruption = Extract<ServerEvent.CloseReason, "closed" | "idle" | "cut">

const none: ReadonlyMap<string, unknown> = new Map()

/** A connection that is being served. */
export class Session {
  readonly connection: ConnectionState
  /** When it began, by the server's clock. */
  readonly since: number
  /** What the peer's address is counted as, where connections are counted by it. */
  source: Prefix | undefined
  /** What watches the deadlines, if there are any. */
  watcher: Fiber.Fiber<unknown> | undefined = undefined
  /** Whether the handler, or a finalizer, failed. */
  failed = false
  #fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  #interruption: Interruption | undefined = undefined
  #annotations: Map<string, unknown> | undefined = undefined

  constructor(connection: ConnectionState, since: number, source: Prefix | undefined) {
    this.connection = connection
    this.since = since
    this.source = source
  }

  /** Names what runs the handler. It may have been interrupted already, by what it did first. */
  runs(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.#fiber = fiber
    if (this.#interruption !== undefined) fiber.interruptUnsafe()
  }

  /** Interrupts the handler: with a reset when it is cut, otherwise the connection ends in order. */
  interrupt(why: Interruption): void {
    this.#interruption ??= why
    if (why !== "cut") this.connection.retire()
    this.#fiber?.interruptUnsafe()
  }

  /** Breaks the connection, because a deadline has passed. */
  expire(error: NetworkError.NetworkError): void {
    this.connection.fail(error)
    // Whoever reads or writes learns of it there. A lifetime ends whatever the handler does.
    if (error.reason._tag === "TimedOut" && error.reason.deadline === "lifetime") this.#fiber?.interruptUnsafe()
  }

  annotate(key: string, value: unknown): void {
    this.#annotations ??= new Map()
    this.#annotations.set(key, value)
  }

  get annotations(): ReadonlyMap<string, unknown> {
    return this.#annotations ?? none
  }

  /** Why the connection ended; for when it has. */
  get reason(): ServerEvent.CloseReason {
    const { outcome } = this.connection
    if (outcome._tag === "Failed") return "broken"
    if (this.#interruption !== undefined) return this.#interruption
    if (this.failed) return "handlerFailed"
    return outcome._tag === "Aborted" ? "aborted" : "ended"
  }

  /** What an operator can know of it. */
  describe(now: number): Server.OpenConnection {
    const { activity, id, localAddress, remoteAddress } = this.connection
    return {
      connection: this.connection,
      id,
      localAddress,
      remoteAddress,
      since: this.since,
      bytesIn: activity.bytesIn,
      bytesOut: activity.bytesOut,
      idle: Duration.millis(Math.max(0, now - activity.lastMoved)),
      annotations: new Map(this.annotations)
    }
  }
}
