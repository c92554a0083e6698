import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Network from "../Network.ts"
import type * as NetworkError from "../NetworkError.ts"
import type * as Server from "../Server.ts"
import * as ServerPolicy from "../ServerPolicy.ts"
import { canonical } from "./address.ts"
import type { ConnectionState } from "./connection.ts"
import { expired, hasDeadlines } from "./deadlines.ts"
import { drain } from "./drain.ts"
import type { ListenerState } from "./listener.ts"
import * as metrics from "./metrics.ts"
import { endpointText } from "./network.ts"
import { type Session, Sessions } from "./sessions.ts"

/** Completes when the server that the fiber serves drains. */
export const Draining: Context.Reference<Effect.Effect<void>> = Context.Reference<Effect.Effect<void>>(
  "@sluice/core/Server/Draining",
  { defaultValue: () => Effect.never }
)

export const make = Effect.fnUntraced(function*<E, R>(
  options: Server.Options,
  handler: Server.Handler<E, R>
): Effect.fn.Return<
  Server.Server,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> {
  const policy = yield* Effect.fromResult(ServerPolicy.check(options, endpointText(options.listen)))
  const listener = (yield* Network.listen(options.listen, options)) as ListenerState
  const address = NetAddress.formatSocketAddress(listener.address)
  const clock = yield* Clock.Clock
  const state = yield* SubscriptionRef.make<Server.State>("listening")
  const drainBegun = Deferred.makeUnsafe<void>()
  const sessions = new Sessions()

  const draining = Effect.gen(function*() {
    yield* SubscriptionRef.set(state, "draining")
    yield* listener.close
    yield* Deferred.succeed(drainBegun, undefined)
    const drained = yield* drain(sessions, policy, clock)
    yield* SubscriptionRef.set(state, "closed")
    if (drained.ended + drained.cut > 0) {
      yield* Effect.logInfo(`drained: ${drained.ended} connections ended, ${drained.cut} cut`)
    }
    return drained
  }).pipe(Effect.annotateLogs("listening", address), Effect.uninterruptible)
  // On a fiber of its own: a handler may ask for it, which it would otherwise wait for itself to end.
  const runHere = Effect.runForkWith(yield* Effect.context<never>())
  const begun = yield* Effect.cached(Effect.sync(() => runHere(draining)))
  const drainOnce: Effect.Effect<Server.Drained> = Effect.flatMap(begun, Fiber.join)

  const logSome = yield* logAtMostOneASecond(address, clock)
  listener.onAcceptError = (error) => {
    listener.traffic.failed++
    logSome(error)
  }
  listener.onHandshakeError = (error) => {
    listener.traffic.handshakesFailed++
    logSome(error)
  }
  yield* Effect.addFinalizer(() => drainOnce)
  // The handler's Scope is added for each connection.
  const services = (yield* Effect.context<Exclude<R, Scope.Scope>>()) as Context.Context<R>
  const context = Context.add(services, Draining, Deferred.await(drainBegun))
  const serve = makeServe({ address, clock, context, handler, listener, policy, sessions, span: options.span === true })
  listener.onArrival = sessions.onEnd = () => admit(listener, sessions, policy, serve)
  listener.onArrival()
  if (options.onListening !== undefined) yield* options.onListening(listener.address)

  return {
    address: listener.address,
    state,
    connections: Effect.sync(() => sessions.all.map(({ connection }) => connection)),
    drain: drainOnce
  }
})

/** Takes the connections that wait, as far as the policy's limits allow. */
const admit = (
  listener: ListenerState,
  sessions: Sessions,
  policy: ServerPolicy.Policy,
  serve: (connection: ConnectionState, host: string | undefined) => void
): void => {
  while (listener.next !== undefined) {
    const full = sessions.size >= policy.maxConnections
    if (full && policy.whenFull === "wait") return
    const host = policy.maxConnectionsPerAddress === undefined ? undefined : hostOf(listener.next.remoteAddress)
    if (full || (host !== undefined && sessions.from(host) >= policy.maxConnectionsPerAddress!)) listener.refuse()
    else serve(listener.take()!, host)
  }
}

// Unix-domain peers have no address to count by.
const hostOf = (remote: NetAddress.SocketAddress): string | undefined => {
  const address = canonical(remote)
  return NetAddress.isUnixPathAddress(address) ? undefined : NetAddress.formatIp(address.address)
}

/**
 * Serves connections, each by a fiber and in a Scope of its own, and closes them when the handler is done, however that is.
 *
 * Done with what is below Effect's combinators, because it is the whole cost of a connection: nothing stays on the
 * handler's fiber but the handler.
 */
const makeServe = <E, R>(options: {
  readonly address: string
  readonly clock: Clock.Clock
  readonly context: Context.Context<R>
  readonly handler: Server.Handler<E, R>
  readonly listener: ListenerState
  readonly policy: ServerPolicy.Policy
  readonly sessions: Sessions
  readonly span: boolean
}) => {
  const { address, clock, handler, listener, policy, sessions } = options
  // A flat copy: contexts are chains, and those of all connections hang on this one.
  const context: Context.Context<R> = Context.makeUnsafe(new Map(options.context.mapUnsafe))
  const annotations = Context.get(context, References.CurrentLogAnnotations)
  const run = Effect.runForkWith(context)

  const end = (session: Session): void => {
    sessions.remove(session)
    metrics.connectionDuration.updateUnsafe(clock.currentTimeMillisUnsafe() - session.since, context)
  }

  const report = (session: Session, cause: Cause.Cause<unknown>): void => {
    if (Cause.hasInterruptsOnly(cause)) return
    const { connection } = session
    if (connection.outcome._tag !== "Failed") listener.traffic.failed++
    run(Effect.annotateLogs(logFailure(cause), { peer: connection.peer, listening: address }))
  }

  return (connection: ConnectionState, host: string | undefined): void => {
    const scope = Scope.makeUnsafe()
    const session: Session = { connection, host, since: clock.currentTimeMillisUnsafe(), fiber: undefined }
    sessions.add(session)

    let handling: Effect.Effect<unknown, E, R> = Effect.suspend(() => handler(connection))
    if (options.span) {
      const attributes = { "network.local.address": address, "network.peer.address": connection.peer }
      handling = Effect.withSpan(handling, "Server.connection", { root: true, attributes }) as typeof handling
    }
    if (hasDeadlines(policy)) handling = withDeadlines(handling, connection, policy, clock, scope)

    // The peer's name is only put together for a log that is written.
    const annotated = {
      ...annotations,
      get peer() {
        return connection.peer
      }
    }
    const own = Context.add(
      Context.add(context, References.CurrentLogAnnotations, annotated),
      Scope.Scope,
      scope
    )
    const fiber = Effect.runForkWith(own)(handling)
    session.fiber = fiber
    fiber.addObserver((exit) => {
      if (Exit.isFailure(exit)) report(session, exit.cause)
      const finalizers = Scope.closeUnsafe(scope, exit)
      const finish = () => {
        if (connection.beginClose(exit)) run(connection.closedInTime)
        connection.observe({ onClosed: () => end(session) })
      }
      if (finalizers === undefined) return finish()
      run(finalizers).addObserver((finalized) => {
        if (Exit.isFailure(finalized)) report(session, finalized.cause)
        finish()
      })
    })
  }
}

const withDeadlines = <E, R>(
  handling: Effect.Effect<unknown, E, R>,
  connection: ConnectionState,
  policy: ServerPolicy.Policy,
  clock: Clock.Clock,
  scope: Scope.Scope
): Effect.Effect<unknown, E, R> =>
  Effect.withFiber((fiber) => {
    const watching = Effect.map(expired(connection, policy, clock), (error) => {
      connection.fail(error)
      if (error.reason._tag === "TimedOut" && error.reason.deadline === "lifetime") fiber.interruptUnsafe()
    })
    return Effect.andThen(Effect.forkIn(watching, scope), handling)
  })

// What was foreseen is a line; what was not comes with all that is known of it.
const logFailure = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const error = Cause.squash(cause)
  return error instanceof Error && !Cause.hasDies(cause)
    ? Effect.logWarning(error.message)
    : Effect.logError("the handler failed", cause)
}

/** Logs what happens to connections that are not served: as many as there may be, no more than one a second. */
const logAtMostOneASecond = (address: string, clock: Clock.Clock) =>
  Effect.map(Effect.context<never>(), (context) => {
    let lastLogged = -Infinity
    return (error: NetworkError.NetworkError) => {
      const now = clock.currentTimeMillisUnsafe()
      if (now - lastLogged < 1000) return
      lastLogged = now
      Effect.runForkWith(context)(Effect.annotateLogs(Effect.logWarning(error.message), "listening", address))
    }
  })
