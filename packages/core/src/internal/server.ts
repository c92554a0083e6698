import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
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
import type { ListenerState } from "./listener.ts"
import * as metrics from "./metrics.ts"

/** Completes when the server that the fiber serves drains. */
export const Draining: Context.Reference<Effect.Effect<void>> = Context.Reference<Effect.Effect<void>>(
  "@sluice/core/Server/Draining",
  { defaultValue: () => Effect.never }
)

/** A connection that is being served. */
interface Session {
  readonly connection: ConnectionState
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly host: string | undefined
}

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
  const clock = yield* Clock.Clock
  const address = NetAddress.formatSocketAddress(listener.address)
  const sessions = new Map<number, Session>()
  const perHost = new Map<string, number>()
  const drainBegun = Deferred.makeUnsafe<void>()
  const state = yield* SubscriptionRef.make<Server.State>("listening")
  // Who waits for a session to end: for room, or for the last one.
  let onSessionEnd: Array<() => void> = []
  const sessionEnd = Effect.callback<void>((resume) => {
    onSessionEnd.push(() => resume(Effect.void))
  })

  // -------------------------------------------------------------------------------------------------------------------
  // One connection
  // -------------------------------------------------------------------------------------------------------------------

  const serve = (connection: ConnectionState, host: string | undefined): Effect.Effect<void, never, R> =>
    Effect.withFiber((fiber) => {
      sessions.set(connection.id, { connection, fiber, host })
      if (host !== undefined) perHost.set(host, (perHost.get(host) ?? 0) + 1)
      const opened = clock.currentTimeMillisUnsafe()
      const scope = Scope.makeUnsafe()
      let handling = handler(connection) as Effect.Effect<unknown, E, R>
      if (hasDeadlines(policy)) handling = withDeadlines(handling, connection)
      return Effect.uninterruptibleMask((restore) =>
        Effect.andThen(
          Scope.addFinalizerExit(scope, (exit) => connection.close(exit)),
          restore(Effect.provideService(handling, Scope.Scope, scope)).pipe(
            options.span === true ? inSpan(connection) : (effect) => effect,
            Effect.onExit((exit) => Effect.andThen(report(connection, exit), Scope.close(scope, exit))),
            Effect.exit,
            Effect.map(() => {
              sessions.delete(connection.id)
              if (host !== undefined) release(host)
              metrics.connectionDuration.updateUnsafe(clock.currentTimeMillisUnsafe() - opened, fiber.context)
              const waiting = onSessionEnd
              onSessionEnd = []
              for (const resume of waiting) resume()
            })
          )
        )
      )
    })

  const withDeadlines = (handling: Effect.Effect<unknown, E, R>, connection: ConnectionState) =>
    Effect.flatMap(Effect.fiber, (fiber) =>
      Effect.andThen(
        Effect.forkScoped(Effect.map(expired(connection, policy, clock), (error) => {
          connection.fail(error)
          if (error.reason._tag === "TimedOut" && error.reason.deadline === "lifetime") fiber.interruptUnsafe()
        })),
        handling
      )) as Effect.Effect<unknown, E, R>

  const inSpan = (connection: ConnectionState) =>
    Effect.withSpan("Server.connection", {
      root: true,
      attributes: { "network.local.address": address, "network.peer.address": connection.peer }
    })

  const report = (connection: ConnectionState, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return Effect.void
    if (connection.outcome._tag !== "Failed") listener.traffic.failed++
    const error = Cause.squash(exit.cause)
    const log = NetworkError.isNetworkError(error)
      ? Effect.logWarning(`connection failed: ${error.message}`)
      : Effect.logError("handler failed", exit.cause)
    return Effect.annotateLogs(log, { peer: connection.peer, listening: address })
  }

  const release = (host: string) => {
    const left = perHost.get(host)! - 1
    if (left === 0) perHost.delete(host)
    else perHost.set(host, left)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Accepting
  // -------------------------------------------------------------------------------------------------------------------

  const hostOf = (remote: NetAddress.SocketAddress): string | undefined => {
    const address = canonical(remote)
    return NetAddress.isUnixPathAddress(address) ? undefined : NetAddress.formatIp(address.address)
  }

  const accept: Effect.Effect<void, never, R> = Effect.uninterruptibleMask((restore) => {
    const next: Effect.Effect<void, never, R> = Effect.suspend(() => {
      if (listener.isClosed) return Effect.void
      const transport = listener.next
      if (transport === undefined) return Effect.andThen(restore(listener.ready), next)
      if (sessions.size >= policy.maxConnections) {
        if (policy.whenFull === "wait") return Effect.andThen(restore(sessionEnd), next)
        listener.refuse()
        return next
      }
      const host = policy.maxConnectionsPerAddress === Number.MAX_SAFE_INTEGER
        ? undefined
        : hostOf(transport.remoteAddress)
      if (host !== undefined && (perHost.get(host) ?? 0) >= policy.maxConnectionsPerAddress) {
        listener.refuse()
        return next
      }
      const connection = listener.take()!
      const session = Effect.annotateLogs(serve(connection, host), "peer", connection.peer)
      return Effect.andThen(Effect.forkDetach(session, { startImmediately: true }), next)
    })
    return next
  })

  // -------------------------------------------------------------------------------------------------------------------
  // Draining
  // -------------------------------------------------------------------------------------------------------------------

  const allEnded: Effect.Effect<void> = Effect.suspend(() =>
    sessions.size === 0 ? Effect.void : Effect.andThen(sessionEnd, allEnded)
  )

  const retireIdle = (idle: number): Effect.Effect<never> =>
    Effect.suspend(() => {
      for (const { connection } of sessions.values()) connection.activity.watch(clock)
      return Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        let wait = idle
        for (const { connection, fiber } of sessions.values()) {
          const left = Math.max(connection.activity.lastIn, connection.activity.lastOut) + idle - now
          if (left > 0) {
            wait = Math.min(wait, left)
          } else {
            connection.retire()
            fiber.interruptUnsafe()
          }
        }
        return wait
      }).pipe(
        Effect.flatMap((wait) => Effect.sleep(Duration.millis(wait))),
        Effect.forever
      )
    })

  const drain: Effect.Effect<Server.Drained> = yield* Effect.cached(Effect.uninterruptible(Effect.gen(function*() {
    yield* SubscriptionRef.set(state, "draining")
    yield* listener.close
    const before = sessions.size
    yield* Deferred.succeed(drainBegun, undefined)
    yield* Effect.raceFirst(
      policy.drainIdle === undefined ? allEnded : Effect.raceFirst(allEnded, retireIdle(policy.drainIdle)),
      Effect.sleep(Duration.millis(policy.drainGrace))
    ).pipe(Effect.interruptible)
    const cut = sessions.size
    yield* Fiber.interruptAll(Array.from(sessions.values(), ({ fiber }) => fiber))
    yield* SubscriptionRef.set(state, "closed")
    if (before > 0) {
      yield* Effect.annotateLogs(
        Effect.logInfo(`server drained: ${before - cut} connections ended, ${cut} cut`),
        "listening",
        address
      )
    }
    return { ended: before - cut, cut }
  })))

  listener.onAcceptError = yield* acceptErrors(listener, address, clock)
  yield* Effect.addFinalizer(() => drain)
  yield* Effect.forkScoped(
    // Every session provides the Scope that its handler asks for.
    Effect.provideService(accept as Effect.Effect<void, never, Exclude<R, Scope.Scope>>, Draining, Deferred.await(drainBegun))
  )
  if (options.onListening !== undefined) yield* options.onListening(listener.address)

  return {
    address: listener.address,
    state,
    connections: Effect.sync(() => Array.from(sessions.values(), ({ connection }) => connection)),
    drain
  }
})

/** Counts connections that could not be accepted, and logs them, but no more than one a second. */
const acceptErrors = (listener: ListenerState, address: string, clock: Clock.Clock) =>
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
