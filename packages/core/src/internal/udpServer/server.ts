import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Endpoint from "../../Endpoint.ts"
import * as Network from "../../Network.ts"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, duration, optionalInteger } from "../../Options.ts"
import type * as UdpServer from "../../UdpServer.ts"
import * as UdpServerEvent from "../../UdpServerEvent.ts"
import { rate } from "../accept/acceptPolicy.ts"
import type { UdpSocketState } from "../udp/udpSocket.ts"
import { Admission } from "./admission.ts"
import { Dispatcher } from "./dispatcher.ts"
import { Events } from "./events.ts"
import { rejecting } from "./metrics.ts"

export const typeId = "~@sluice/core/UdpServer"

export const isUdpServer = (u: unknown): u is UdpServer.UdpServer => Predicate.hasProperty(u, typeId)

export const make = Effect.fnUntraced(function*<E, R>(
  options: UdpServer.Options,
  handler: UdpServer.Handler<E, R>
): Effect.fn.Return<
  UdpServer.UdpServer,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> {
  const settings = yield* Effect.fromResult(checked("configure", Endpoint.formatInput(options.bind), () => ({
    concurrency: optionalInteger("concurrency", options.concurrency, 1, 65_535) ?? 64,
    ratePerSource: rate("ratePerSource", options.ratePerSource),
    handleOwn: options.handleOwn ?? false,
    drain: duration("drain", options.drain ?? 5_000)
  })))
  const socket = yield* Network.bind(options.bind, options)
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const events = new Events({ clock, context, listening: socket.address })
  const admission = new Admission({
    socket: socket as UdpSocketState,
    rate: settings.ratePerSource,
    handleOwn: settings.handleOwn,
    clock,
    report: (why, { source }, count) =>
      events.emit(new UdpServerEvent.Rejected({ ...events.common(), source, why, count }))
  })
  yield* rejecting(admission, socket.address)

  const dispatcher = new Dispatcher({
    socket: socket as UdpSocketState,
    admission,
    concurrency: settings.concurrency,
    // The Scope of each handler is added to it.
    context: (yield* Effect.context<Exclude<R, Scope.Scope>>()) as Context.Context<R>,
    handler,
    onFailed: ({ source }, cause) => {
      if (Cause.hasInterruptsOnly(cause) || !events.hears("HandlerFailed")) return
      events.emit(new UdpServerEvent.HandlerFailed({ ...events.common(), source, cause }))
    },
    onReceiveFailed: (error) => events.emit(new UdpServerEvent.ReceiveFailed({ ...events.common(), error }))
  })

  const drain = yield* Effect.cached(Effect.gen(function*() {
    const before = dispatcher.handling
    events.emit(new UdpServerEvent.Draining({ ...events.common(), handling: before }))
    dispatcher.stop()
    const ended = yield* Effect.timeoutOption(dispatcher.idle, Duration.millis(settings.drain))
    const cut = Option.isSome(ended) ? 0 : dispatcher.handling
    yield* dispatcher.interrupt
    const drained: UdpServer.Drained = { finished: Math.max(0, before - cut), cut }
    yield* events.end(new UdpServerEvent.Drained({ ...events.common(), ...drained }))
    return drained
  }))
  dispatcher.start()
  yield* Effect.addFinalizer(() => drain)
  if (options.onListening !== undefined) yield* options.onListening(socket.address)
  return {
    [typeId]: typeId,
    address: socket.address,
    socket,
    events: events.stream(() => [new UdpServerEvent.Listening(events.common())]),
    drain
  }
})
