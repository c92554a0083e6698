import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Endpoint from "../../Endpoint.ts"
import * as Network from "../../Network.ts"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, duration, optionalInteger } from "../../Options.ts"
import type * as UdpServer from "../../UdpServer.ts"
import * as UdpServerEvent from "../../UdpServerEvent.ts"
import * as UdpSocket from "../../UdpSocket.ts"
import { rate } from "../accept/acceptPolicy.ts"
import type { DatagramState, UdpSocketState } from "../udp/udpSocket.ts"
import { Admission } from "./admission.ts"
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

  let handling = 0
  const handle = (datagram: UdpSocket.Datagram) =>
    Effect.suspend(() => {
      handling++
      return Effect.exit(handled(handler, datagram, socket, events))
    }).pipe(Effect.ensuring(Effect.sync(() => handling--)))

  const draining = Deferred.makeUnsafe<void>()
  const serving = yield* UdpSocket.datagrams(socket).pipe(
    Stream.filter((datagram) => admission.admits(datagram as DatagramState)),
    Stream.tapError((error) => Effect.sync(() => failed(events, error))),
    Stream.retry(unlessClosed),
    Stream.interruptWhen(Deferred.await(draining)),
    Stream.mapEffect(handle, { concurrency: settings.concurrency, unordered: true }),
    Stream.runDrain,
    Effect.ignore,
    Effect.forkScoped
  )

  const drain = yield* Effect.cached(Effect.gen(function*() {
    const before = handling
    events.emit(new UdpServerEvent.Draining({ ...events.common(), handling: before }))
    yield* Deferred.succeed(draining, undefined)
    const ended = yield* Effect.timeoutOption(Fiber.await(serving), Duration.millis(settings.drain))
    const cut = Option.isSome(ended) ? 0 : handling
    yield* Fiber.interrupt(serving)
    const drained: UdpServer.Drained = { finished: Math.max(0, before - cut), cut }
    yield* events.end(new UdpServerEvent.Drained({ ...events.common(), ...drained }))
    return drained
  }))
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

const handled = <E, R>(
  handler: UdpServer.Handler<E, R>,
  datagram: UdpSocket.Datagram,
  socket: UdpSocket.UdpSocket,
  events: Events
): Effect.Effect<unknown, E, Exclude<R, Scope.Scope>> =>
  Effect.tapCause(
    Effect.scoped(Effect.suspend(() => handler(datagram, socket))),
    (cause: Cause.Cause<E>) =>
      Effect.sync(() => {
        if (Cause.hasInterruptsOnly(cause) || !events.hears("HandlerFailed")) return
        const { source } = datagram
        events.emit(new UdpServerEvent.HandlerFailed({ ...events.common(), source, cause }))
      })
  )

const failed = (events: Events, error: NetworkError.NetworkError): void => {
  if (error.reason._tag === "Closed") return
  events.emit(new UdpServerEvent.ReceiveFailed({ ...events.common(), error }))
}

// A socket with a peer hears that no socket is bound there, and may receive from it later.
const unlessClosed = Schedule.forever.pipe(
  Schedule.setInputType<NetworkError.NetworkError>(),
  Schedule.while(({ input }) => input.reason._tag !== "Closed")
)
