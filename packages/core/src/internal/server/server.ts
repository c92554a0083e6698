import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Endpoint from "../../Endpoint.ts"
import * as Network from "../../Network.ts"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Server from "../../Server.ts"
import * as ServerLog from "../../ServerLog.ts"
import { type ListenerState, typeId as listenerId } from "../accept/listener.ts"
import { Control } from "./control.ts"
import { drain, settleWithin } from "./drain.ts"
import { Events } from "./eventHub.ts"
import { listenerEvents } from "./listenerEvents.ts"
import * as metrics from "./metrics.ts"
import { checkPolicy } from "./policy.ts"
import { makeServing } from "./runConnection.ts"
import { Sessions } from "./sessionTable.ts"

export const typeId = "~@sluice/core/Server"

/** Completes when the server that the fiber serves drains. */
export const Draining: Context.Reference<Effect.Effect<void>> = Context.Reference<Effect.Effect<void>>(
  "@sluice/core/Server/Draining",
  { defaultValue: () => Effect.never }
)

/** What runs for each server before it serves its first connection. */
export const OnStart: Context.Reference<Server.OnStart | undefined> = Context.Reference<Server.OnStart | undefined>(
  "@sluice/core/Server/OnStart",
  { defaultValue: () => undefined }
)

/** A server that has started. */
export interface Running {
  readonly clock: Clock.Clock
  readonly listener: ListenerState
  readonly control: Control
  readonly sessions: Sessions
  readonly state: SubscriptionRef.SubscriptionRef<Server.State>
  readonly drain: Effect.Effect<Server.Drained>
}

// How long a draining server waits for handshakes in progress, in milliseconds: honest ones take a few round trips.
const longestHandshake = 1_000

export const start = Effect.fnUntraced(function*<E, R>(
  options: Server.Options,
  handler: Server.Handler<E, R>
): Effect.fn.Return<Running, NetworkError.NetworkError, Network.Network | Scope.Scope | Exclude<R, Scope.Scope>> {
  const policy = yield* Effect.fromResult(checkPolicy(options, Endpoint.formatInput(options.listen)))
  const listener = (yield* Network.listen(options.listen, options))[listenerId]
  const address = NetAddress.formatSocketAddress(listener.address)
  const clock = yield* Clock.Clock
  const state = yield* SubscriptionRef.make<Server.State>("listening")
  const sessions = new Sessions()
  const context = yield* Effect.context<never>()
  const run = Effect.runForkWith(context)
  const log = yield* ServerLog.CurrentServerLog
  const events = new Events({ log, clock, context, listening: listener.address })
  yield* metrics.emitting(events, address)

  const drainBegun = Deferred.makeUnsafe<void>()
  // The handler's Scope is added for each connection.
  const services = (yield* Effect.context<Exclude<R, Scope.Scope>>()) as Context.Context<R>
  const serving = makeServing({
    address,
    clock,
    context: Context.add(services, Draining, Deferred.await(drainBegun)),
    events,
    handler,
    onEnd: () => control.admit(),
    sessions,
    span: options.span === true
  })
  const control = new Control({ listener, sessions, serving, events, clock, state, options, policy, run })

  const draining: Effect.Effect<Server.Drained> = Effect.gen(function*() {
    yield* listener.stop
    // A client in the middle of its handshake was accepted: it is served, like those before it.
    yield* settleWithin(
      listener.handshakesFinished,
      Math.min(control.policy.drainGrace, longestHandshake),
      () => Effect.void
    )
    yield* control.drain
    yield* listener.close
    yield* Deferred.succeed(drainBegun, undefined)
    const drained = yield* drain(sessions, control.policy, clock)
    yield* metrics.drained(address, drained)
    yield* control.end(drained)
    return drained
  }).pipe(Effect.uninterruptible)
  // On a fiber of its own: a handler may ask for it, and would otherwise wait for itself to end.
  const begun = yield* Effect.cached(Effect.sync(() => run(draining)))
  const drainOnce = Effect.flatMap(begun, Fiber.join)
  yield* Effect.addFinalizer(() => drainOnce)

  const running = { clock, listener, control, sessions, state, drain: drainOnce }
  const onStart = yield* OnStart
  if (onStart !== undefined) yield* onStart(handle(running), options)
  const observed = listenerEvents({ events, run, draining: Deferred.await(drainBegun) })
  listener.serve({ ...observed, onArrival: control.admit })
  if (options.onListening !== undefined) yield* options.onListening(listener.address)
  return running
})

/** The handle of a server. Its holder can ask how long connections were idle, so their times are kept from now on. */
export const handle = ({ clock, control, drain, listener, sessions, state }: Running): Server.Server => {
  sessions.keepTimes(clock)
  return {
    [typeId]: typeId,
    address: listener.address,
    state,
    connections: control.connections,
    waiting: control.waiting,
    events: control.events,
    close: (id) => control.close(id),
    suspend: control.suspend,
    resume: control.resume,
    update: (changes) => control.update(changes),
    drain
  }
}
