import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import type * as Server from "../../Server.ts"
import * as ServerEvent from "../../ServerEvent.ts"
import { formatPeer } from "../address/peerAddress.ts"
import { CallbackEffect, type Completion, type Running } from "../callback/callbackEffect.ts"
import { closedInTime } from "../connection/closing.ts"
import { connectionDuration } from "../connection/metrics.ts"
import type { ConnectionState } from "../connection/state.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import { expired, hasDeadlines } from "./deadlines.ts"
import type { Events } from "./eventHub.ts"
import type { Policy } from "./policy.ts"
import { Session } from "./session.ts"
import type { Sessions } from "./sessionTable.ts"

/** The session that a fiber serves. */
export const CurrentSession: Context.Reference<Session | undefined> = Context.Reference<Session | undefined>(
  "@sluice/core/Server/CurrentSession",
  { defaultValue: () => undefined }
)

/** Runs handlers. */
export interface Serving {
  /** Serves a connection. */
  readonly begin: (connection: ConnectionState, policy: Policy) => void
  /** Watches the deadlines of an open session by another policy from now on. */
  readonly watch: (session: Session, policy: Policy) => void
}

/**
 * Serves connections, each on a fiber and in a Scope of its own, and closes them when the handler is done, however it ends.
 * A handler that only waits in callbacks has neither.
 *
 * It uses what lies below Effect's combinators, because it is the whole cost of a connection: nothing stays on the
 * handler's fiber but the handler.
 */
export const makeServing = <E, R>(options: {
  readonly address: string
  readonly clock: Clock.Clock
  readonly context: Context.Context<R>
  readonly events: Events
  readonly handler: Server.Handler<E, R>
  /** Called when a connection is closed. */
  readonly onEnd: () => void
  readonly sessions: Sessions
  readonly span: boolean
}): Serving => {
  const { address, clock, events, handler, sessions } = options
  // A flat copy: contexts are chains, and every lookup of every connection would walk this one.
  const context: Context.Context<R> = Context.makeUnsafe(new Map(options.context.mapUnsafe))
  const annotations = Context.get(context, References.CurrentLogAnnotations)
  const run = Effect.runForkWith(context)

  const end = (session: Session): void => {
    session.watcher?.interruptUnsafe()
    const millis = monotonicMillis(clock) - session.opened
    if (events.hears("Closed")) events.emit(closed(events.common(), session, millis))
    connectionDuration.updateUnsafe(millis, context)
    sessions.remove(session)
    options.onEnd()
  }

  const report = (session: Session, cause: Cause.Cause<unknown>): void => {
    if (Cause.hasInterruptsOnly(cause)) return
    const { connection } = session
    session.failed = true
    if (connection.outcome._tag !== "Failed") connection.activity.traffic.failed++
    if (!events.hears("HandlerFailed")) return
    events.emit(new ServerEvent.HandlerFailed({ ...events.common(), ...identify(connection), cause }))
  }

  const handle: Server.Handler<E, R> = !options.span ? handler : (connection) => {
    const attributes = { "network.local.address": address, "network.peer.address": formatPeer(connection) }
    const handling = Effect.suspend(() => handler(connection))
    return Effect.withSpan(handling, "Server.connection", { root: true, attributes }) as typeof handling
  }

  const watch = (session: Session, policy: Policy): void => {
    session.watcher?.interruptUnsafe()
    session.watcher = hasDeadlines(policy)
      ? run(Effect.map(expired(session.connection, session.opened, policy, clock), (error) => session.expire(error)))
      : undefined
  }

  const close = (session: Session, exit: Exit.Exit<unknown, unknown>): void => {
    if (session.connection.beginClose(exit)) run(closedInTime(session.connection))
    session.connection.observe(session)
  }

  const fork = (session: Session, handling: Effect.Effect<unknown, E, R>): void => {
    const scope = Scope.makeUnsafe()
    const peer = new PeerAnnotations(session.connection, annotations)
    const logged = Context.add(context, References.CurrentLogAnnotations, peer)
    const own = Context.add(Context.add(logged, CurrentSession, session), Scope.Scope, scope)
    const fiber = Effect.runForkWith(own)(handling)
    session.runs(fiber)
    fiber.addObserver((exit) => {
      if (Exit.isFailure(exit)) report(session, exit.cause)
      const finalizers = Scope.closeUnsafe(scope, exit)
      if (finalizers === undefined) return close(session, exit)
      run(finalizers).addObserver((finalized) => {
        if (Exit.isFailure(finalized)) report(session, finalized.cause)
        close(session, exit)
      })
    })
  }

  const proceed = (session: Session, outcome: Effect.Effect<unknown, E, R>): void => {
    if (!Exit.isExit(outcome)) return fork(session, outcome)
    if (Exit.isFailure(outcome)) report(session, outcome.cause)
    close(session, outcome)
  }

  const begin = (connection: ConnectionState, policy: Policy): void => {
    const session = sessions.add(new Session(connection, clock, end))
    if (events.hears("Accepted")) events.emit(accepted(events, session))
    watch(session, policy)
    new CallbackHandling(session, proceed).begin(handle)
  }

  return { begin, watch }
}

/** Runs a handler as long as it waits in callbacks. Then it proceeds with what is left to run. */
class CallbackHandling<E, R> implements Completion<unknown, E, R> {
  readonly #session: Session
  readonly #proceed: (session: Session, outcome: Effect.Effect<unknown, E, R>) => void
  #running: Running | undefined = undefined
  // What is left to run, if that is known when the handler has begun.
  #outcome: Effect.Effect<unknown, E, R> | undefined = undefined

  constructor(session: Session, proceed: (session: Session, outcome: Effect.Effect<unknown, E, R>) => void) {
    this.#session = session
    this.#proceed = proceed
  }

  begin(handler: Server.Handler<E, R>): void {
    try {
      const handling = handler(this.#session.connection)
      if (handling instanceof CallbackEffect) this.#running = handling.begin(this)
      else this.#outcome = handling
    } catch (defect) {
      this.#outcome ??= Exit.die(defect)
    }
    if (this.#running !== undefined && this.#outcome === undefined) return this.#session.runs(this)
    this.#running = undefined
    // Nothing, if a handler in JavaScript has returned nothing: a fiber dies of that.
    this.#proceed(this.#session, this.#outcome!)
  }

  onDone(outcome: Effect.Effect<unknown, E, R>): void {
    if (this.#running === undefined) return void (this.#outcome = outcome)
    this.#running = undefined
    this.#proceed(this.#session, outcome)
  }

  interruptUnsafe(): void {
    this.#running?.stop()
    this.onDone(Exit.interrupt())
  }
}

/** The annotations of a handler's log lines. The peer's address is parsed and formatted when a line is written. */
class PeerAnnotations {
  readonly [name: string]: unknown
  readonly #connection: ConnectionState
  // The objects share their getter, and so their hidden class.
  static readonly #peer: PropertyDescriptor & ThisType<PeerAnnotations> = {
    get() {
      return this.#connection.peer
    },
    enumerable: true
  }

  constructor(connection: ConnectionState, others: Readonly<Record<string, unknown>>) {
    this.#connection = connection
    Object.assign(this, others)
    Object.defineProperty(this, "peer", PeerAnnotations.#peer)
  }

  // Effect's default logger gives the object to the console, which does not call getters.
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return { ...this }
  }
}

const identify = ({ id, localAddress, remoteAddress }: ConnectionState) => ({ id, localAddress, remoteAddress })

/** The event that begins a session. */
export const accepted = (events: Events, { connection, since }: Session): ServerEvent.Accepted =>
  new ServerEvent.Accepted({ ...events.common(since), ...identify(connection) })

const closed = (common: ServerEvent.Common, session: Session, millis: number): ServerEvent.Closed => {
  const { annotations, connection, reason } = session
  const { activity, outcome } = connection
  return new ServerEvent.Closed({
    ...common,
    ...identify(connection),
    reason,
    error: outcome._tag === "Failed" ? outcome.error : undefined,
    bytesIn: activity.bytesIn,
    bytesOut: activity.bytesOut,
    duration: Duration.millis(millis),
    // What the handler has left running may annotate on.
    annotations: new Map(annotations)
  })
}
