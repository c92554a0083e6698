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
import * as ServerEvent from "../../ServerEvent.ts"
import * as ServerLog from "../../ServerLog.ts"
import * as ServerPolicy from "../../ServerPolicy.ts"
import type { ListenerState } from "../accept/listener.ts"
import { Control } from "./control.ts"
import { drain } from "./drain.ts"
import { Events } from "./eventHub.ts"
import * as metrics from "./metrics.ts"
import { makeServing } from "./runConnection.ts"
import { Sessions } from "./sessionTable.ts"

/** Completes when the server that the fiber serves drains. */
export const Draining: Context.Reference<Effect.Effect<void>> = Context.Reference<Effect.Effect<void>>(
  "@sluice/core/Server/Draining",
  { defaultValue: () => Effect.never }
)

export const make = Effect.fnUntraced(function*<E, R>(
  options: Server.Options,
  handler: Server.Handler<E, R>,
  keepsTime: boolean
): Effect.fn.Return<
  Server.Server,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> {
  const policy = yield* Effect.fromResult(ServerPolicy.check(options, Endpoint.formatInput(options.listen)))
  const listener = (yield* Network.listen(options.listen, options)) as ListenerState
  const address = NetAddress.formatSocketAddress(listener.address)
  const clock = yield* Clock.Clock
  const state = yield* SubscriptionRef.make<Server.State>("listening")
  const sessions = new Sessions()
  const context = yield* Effect.context<never>()
  const log = yield* ServerLog.CurrentServerLog
  const events = new Events({ log, clock, context, listening: listener.address })
  yield* metrics.emitting(events, address)
  const control = new Control({ listener, sessions, events, clock, state, options, policy })

  const drainBegun = Deferred.makeUnsafe<void>()
  const draining = Effect.gen(function*() {
    yield* control.drain
    yield* listener.close
    yield* Deferred.succeed(drainBegun, undefined)
    const drained = yield* drain(sessions, control.policy, clock)
    yield* metrics.drained(address, drained)
    yield* control.end(drained)
    return drained
  }).pipe(Effect.uninterruptible)
  // On a fiber of its own: a handler may ask for it, which it would otherwise wait for itself to end.
  const runHere = Effect.runForkWith(context)
  const begun = yield* Effect.cached(Effect.sync(() => runHere(draining)))
  const drainOnce: Effect.Effect<Server.Drained> = Effect.flatMap(begun, Fiber.join)

  hearListener(listener, events)
  yield* Effect.addFinalizer(() => drainOnce)
  // The handler's Scope is added for each connection.
  const services = (yield* Effect.context<Exclude<R, Scope.Scope>>()) as Context.Context<R>
  control.open(makeServing({
    address,
    clock,
    context: Context.add(services, Draining, Deferred.await(drainBegun)),
    control,
    events,
    handler,
    sessions,
    span: options.span === true,
    keepsTime
  }))
  if (options.onListening !== undefined) yield* options.onListening(listener.address)

  return {
    address: listener.address,
    state,
    connections: control.connections,
    events: control.events,
    close: (id) => control.close(id),
    suspend: control.suspend,
    resume: control.resume,
    update: (changes) => control.update(changes),
    drain: drainOnce
  }
})

/** Makes events of what happens to connections before they are served: of failures to accept, at most one a second; and of
 * failed handshakes all, of which one a second is logged. */
const hearListener = (listener: ListenerState, events: Events): void => {
  listener.onRefused = ({ remoteAddress }, why) => {
    if (events.hears("Refused")) events.emit(new ServerEvent.Refused({ ...events.common(), remoteAddress, why }))
  }
  let lastLogged = -Infinity
  listener.onHandshakeError = (error, { remoteAddress }) => {
    listener.traffic.handshakesFailed++
    const common = events.common()
    const isLogged = common.at - lastLogged >= 1000
    if (isLogged) lastLogged = common.at
    if (events.hears("HandshakeFailed")) {
      events.emit(new ServerEvent.HandshakeFailed({ ...common, remoteAddress, error }), isLogged)
    }
  }
  let lastSaid = -Infinity
  let count = 0
  listener.onAcceptError = (error) => {
    listener.traffic.failed++
    count++
    const common = events.common()
    if (common.at - lastSaid < 1000) return
    lastSaid = common.at
    events.emit(new ServerEvent.AcceptFailed({ ...common, error, count }))
    count = 0
  }
}
