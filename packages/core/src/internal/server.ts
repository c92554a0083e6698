import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Network from "../Network.ts"
import * as NetworkError from "../NetworkError.ts"
import type * as Server from "../Server.ts"
import * as ServerPolicy from "../ServerPolicy.ts"
import { canonical } from "./address.ts"
import type { ConnectionState } from "./connection.ts"
import { expired, hasDeadlines } from "./deadlines.ts"
import { drain } from "./drain.ts"
import type { ListenerState } from "./listener.ts"
import * as metrics from "./metrics.ts"
import { Sessions } from "./sessions.ts"

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
  const policy = yield* Effect.fromResult(ServerPolicy.check(options, String(options.listen)))
  const listener = (yield* Network.listen(options.listen, options)) as ListenerState
  const address = NetAddress.formatSocketAddress(listener.address)
  const clock = yield* Clock.Clock
  const state = yield* SubscriptionRef.make<Server.State>("listening")
  const drainBegun = Deferred.makeUnsafe<void>()
  const sessions = new Sessions()

  const drainOnce: Effect.Effect<Server.Drained> = yield* Effect.gen(function*() {
    yield* SubscriptionRef.set(state, "draining")
    yield* listener.close
    yield* Deferred.succeed(drainBegun, undefined)
    const drained = yield* drain(sessions, policy, clock)
    yield* SubscriptionRef.set(state, "closed")
    if (drained.ended + drained.cut > 0) {
      yield* Effect.logInfo(`drained: ${drained.ended} connections ended, ${drained.cut} cut`)
    }
    return drained
  }).pipe(Effect.annotateLogs("listening", address), Effect.uninterruptible, Effect.cached)

  listener.onAcceptError = yield* countAcceptErrors(listener, address, clock)
  yield* Effect.addFinalizer(() => drainOnce)
  const serve = (connection: ConnectionState, host: string | undefined) =>
    serveOne({ address, clock, connection, handler, host, listener, policy, sessions, span: options.span === true })
  yield* Effect.forkScoped(
    Effect.provideService(accept(listener, sessions, policy, serve), Draining, Deferred.await(drainBegun))
  )
  if (options.onListening !== undefined) yield* options.onListening(listener.address)

  return {
    address: listener.address,
    state,
    connections: Effect.sync(() => sessions.all.map(({ connection }) => connection)),
    drain: drainOnce
  }
})

/** Takes connections as the policy's limits allow, and serves each with a fiber of its own, until the listener closes. */
const accept = <R>(
  listener: ListenerState,
  sessions: Sessions,
  policy: ServerPolicy.Policy,
  serve: (connection: ConnectionState, host: string | undefined) => Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> =>
  Effect.uninterruptibleMask((restore) => {
    const next: Effect.Effect<void, never, R> = Effect.suspend(() => {
      if (listener.isClosed) return Effect.void
      const transport = listener.next
      if (transport === undefined) return Effect.andThen(restore(listener.ready), next)
      if (sessions.size >= policy.maxConnections && policy.whenFull === "wait") {
        return Effect.andThen(restore(sessions.nextEnd), next)
      }
      const host = policy.maxConnectionsPerAddress === undefined ? undefined : hostOf(transport.remoteAddress)
      if (
        sessions.size >= policy.maxConnections ||
        (host !== undefined && sessions.from(host) >= policy.maxConnectionsPerAddress!)
      ) {
        listener.refuse()
        return next
      }
      const connection = listener.take()!
      const session = Effect.annotateLogs(serve(connection, host), "peer", connection.peer)
      return Effect.andThen(Effect.forkDetach(session, { startImmediately: true }), next)
    })
    return next
  })

// Unix-domain peers have no address to count by.
const hostOf = (remote: NetAddress.SocketAddress): string | undefined => {
  const address = canonical(remote)
  return NetAddress.isUnixPathAddress(address) ? undefined : NetAddress.formatIp(address.address)
}

/** Runs the handler in a Scope of its own, and closes the connection when it is done, however that is. */
const serveOne = <E, R>(options: {
  readonly address: string
  readonly clock: Clock.Clock
  readonly connection: ConnectionState
  readonly handler: Server.Handler<E, R>
  readonly host: string | undefined
  readonly listener: ListenerState
  readonly policy: ServerPolicy.Policy
  readonly sessions: Sessions
  readonly span: boolean
}): Effect.Effect<void, never, Exclude<R, Scope.Scope>> =>
  Effect.withFiber((fiber) => {
    const { address, clock, connection, handler, listener, policy, sessions } = options
    const session = { connection, fiber, host: options.host }
    sessions.add(session)
    const opened = clock.currentTimeMillisUnsafe()
    const scope = Scope.makeUnsafe()

    let handling: Effect.Effect<unknown, E, R> = Effect.suspend(() => handler(connection))
    if (hasDeadlines(policy)) {
      const watching = Effect.map(expired(connection, policy, clock), (error) => {
        connection.fail(error)
        if (error.reason._tag === "TimedOut" && error.reason.deadline === "lifetime") fiber.interruptUnsafe()
      })
      handling = Effect.andThen(Effect.forkIn(watching, scope), handling)
    }
    if (options.span) {
      const attributes = { "network.local.address": address, "network.peer.address": connection.peer }
      handling = Effect.withSpan(handling, "Server.connection", { root: true, attributes }) as typeof handling
    }

    const report = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return Effect.void
      if (connection.outcome._tag !== "Failed") listener.traffic.failed++
      return Effect.annotateLogs(logFailure(exit.cause), "listening", address)
    }

    return Effect.uninterruptibleMask((restore) =>
      Scope.addFinalizerExit(scope, (exit) => connection.close(exit)).pipe(
        Effect.andThen(restore(Effect.provideService(handling, Scope.Scope, scope))),
        Effect.onExit((exit) => Effect.andThen(report(exit), Scope.close(scope, exit))),
        Effect.exit,
        Effect.map(() => {
          sessions.remove(session)
          metrics.connectionDuration.updateUnsafe(clock.currentTimeMillisUnsafe() - opened, fiber.context)
        })
      )
    )
  })

const logFailure = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const error = Cause.squash(cause)
  return NetworkError.isNetworkError(error)
    ? Effect.logWarning(error.message)
    : Effect.logError("the handler failed", cause)
}

/** Counts connections that could not be accepted, and logs them, but no more than one a second. */
const countAcceptErrors = (listener: ListenerState, address: string, clock: Clock.Clock) =>
  Effect.map(Effect.context<never>(), (context) => {
    let lastLogged = -Infinity
    return (error: NetworkError.NetworkError) => {
      listener.traffic.failed++
      const now = clock.currentTimeMillisUnsafe()
      if (now - lastLogged < 1000) return
      lastLogged = now
      Effect.runForkWith(context)(Effect.annotateLogs(Effect.logWarning(error.message), "listening", address))
    }
  })
