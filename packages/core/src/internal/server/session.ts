import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Server from "../../Server.ts"
import type * as ServerEvent from "../../ServerEvent.ts"
import type { Link } from "../collection/chain.ts"
import type { CloseObserver, ConnectionState } from "../connection/state.ts"
import { monotonicMillis } from "../time/monotonic.ts"

/** Why a handler is interrupted. */
export type Interruption = Extract<ServerEvent.CloseReason, "closed" | "idle" | "cut">

/** What runs a handler: a fiber, or callbacks. */
type Interruptible = Pick<Fiber.Fiber<unknown, unknown>, "interruptUnsafe">

const none: ReadonlyMap<string, unknown> = new Map()

/** A connection that is being served. */
export class Session implements CloseObserver, Link<Session> {
  readonly connection: ConnectionState
  /** When it began: wall-clock time, for people. */
  readonly since: number
  /** When it began: monotonic time, for durations. */
  readonly opened: number
  /** Watches the deadlines, if there are any. */
  watcher: Fiber.Fiber<unknown> | undefined = undefined
  /** Whether the handler, or a finalizer, failed. */
  failed = false
  previous: Session | undefined = undefined
  next: Session | undefined = undefined
  #handling: Interruptible | undefined = undefined
  readonly #end: (session: Session) => void
  #interruption: Interruption | undefined = undefined
  #annotations: Map<string, unknown> | undefined = undefined

  constructor(connection: ConnectionState, clock: Clock.Clock, end: (session: Session) => void) {
    this.connection = connection
    this.#end = end
    this.since = clock.currentTimeMillisUnsafe()
    this.opened = monotonicMillis(clock)
  }

  onClosed(): void {
    this.#end(this)
  }

  /** Names what runs the handler, which may have asked for its own interruption already. */
  runs(handling: Interruptible): void {
    this.#handling = handling
    if (this.#interruption !== undefined) handling.interruptUnsafe()
  }

  /** Interrupts the handler. `"cut"` resets the connection; otherwise it closes in order. */
  interrupt(why: Interruption): void {
    this.#interruption ??= why
    if (why !== "cut") this.connection.retire()
    this.#handling?.interruptUnsafe()
  }

  /** Fails the connection, because a deadline has passed. */
  expire(error: NetworkError.NetworkError): void {
    this.connection.fail(error)
    // A handler that reads or writes learns of it there. `maxLifetime` also ends a handler that does neither.
    if (error.reason._tag === "TimedOut" && error.reason.deadline === "lifetime") this.#handling?.interruptUnsafe()
  }

  annotate(key: string, value: unknown): void {
    ;(this.#annotations ??= new Map()).set(key, value)
  }

  get annotations(): ReadonlyMap<string, unknown> {
    return this.#annotations ?? none
  }

  /** Why the connection ended, once it has. */
  get reason(): ServerEvent.CloseReason {
    const { outcome } = this.connection
    if (outcome._tag === "Failed") return "broken"
    if (this.#interruption !== undefined) return this.#interruption
    if (this.failed) return "handlerFailed"
    return outcome._tag === "Aborted" ? "aborted" : "ended"
  }

  /** What an operator can know of it, at a monotonic time. */
  describe(now: number): Server.OpenConnection {
    const { activity, id, input, localAddress, output, remoteAddress } = this.connection
    activity.sync()
    // A handler that waits for both, such as an echo, is blocked by the peer that does not read.
    const doing = output.isWaiting ? "writing" : input.isWaiting ? "reading" : "running"
    const since = doing === "writing"
      ? Math.max(activity.writingSince, activity.lastOut)
      : doing === "reading"
      ? Math.max(activity.readingSince, activity.lastIn)
      : activity.lastMoved
    return {
      connection: this.connection,
      id,
      localAddress,
      remoteAddress,
      since: this.since,
      bytesIn: activity.bytesIn,
      bytesOut: activity.bytesOut,
      idle: Duration.millis(Math.max(0, now - activity.lastMoved)),
      doing,
      doingFor: Duration.millis(Math.max(0, now - since)),
      annotations: new Map(this.annotations)
    }
  }
}
