import { expect, it } from "@effect/vitest"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as ServerLog from "@sluice/core/ServerLog"
import * as Transport from "@sluice/core/Transport"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as AddressResolver from "effect/net/AddressResolver"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { FakeTransport } from "./connection/FakeTransport.ts"

const address = NetAddress.unixPathAddress("/run/server.sock")

/** A network that listens only. */
const networkOf = (
  receiver: Deferred.Deferred<Transport.ListenerReceiver>,
  close: (heard: Transport.ListenerReceiver) => Effect.Effect<void>
) =>
  Transport.makeNetwork({
    resolver: AddressResolver.AddressResolver.of({ resolve: () => Effect.die("there are no names here") }),
    connect: () => Effect.never,
    bind: () => Effect.never,
    secure: () => Effect.never,
    listen: (_address, _options, heard) =>
      Effect.as(Deferred.succeed(receiver, heard), { address, close: close(heard) })
  })

it.effect("connections that cannot be accepted are an event, at most one a second, with how many there were", () =>
  Effect.gen(function*() {
    const receiver = yield* Deferred.make<Transport.ListenerReceiver>()
    const network = yield* networkOf(receiver, () => Effect.void)
    const events: Array<ServerEvent.AcceptFailed> = []
    const log = ServerLog.make(["AcceptFailed"], (event) => Effect.sync(() => void events.push(event)))
    yield* Server.make({ listen: "unix:///run/server.sock" }, () => Effect.void).pipe(
      Effect.provideService(Network.Network, network),
      Effect.provideService(ServerLog.CurrentServerLog, log)
    )
    const listener = yield* Deferred.await(receiver)
    const error = NetworkError.make("accept", "/run/server.sock", new NetworkError.TooManyOpenFiles())
    const counts = () => events.map(({ count }) => count)
    for (let failure = 0; failure < 5; failure++) listener.onAcceptError(error)
    expect(counts()).toEqual([1])
    expect(events[0]!.error).toBe(error)
    yield* TestClock.adjust(999)
    listener.onAcceptError(error)
    expect(counts()).toEqual([1])
    yield* TestClock.adjust(1)
    expect(counts()).toEqual([1, 5])
    listener.onAcceptError(error)
    listener.onAcceptError(error)
    yield* TestClock.adjust(999)
    expect(counts()).toEqual([1, 5])
    yield* TestClock.adjust(1)
    expect(counts()).toEqual([1, 5, 2])
    // After a second without any, the next is told at once.
    yield* TestClock.adjust(1000)
    listener.onAcceptError(error)
    expect(counts()).toEqual([1, 5, 2, 1])
  }))

it.effect("a connection that arrives while its listener closes is reset, and no fiber waits for one any more", () =>
  Effect.gen(function*() {
    const receiver = yield* Deferred.make<Transport.ListenerReceiver>()
    const late = [new FakeTransport(), new FakeTransport()]
    let closed = 0
    const network = yield* networkOf(receiver, (heard) =>
      Effect.sync(() => {
        closed++
        heard.onConnection(late[1]!)
      }))
    const scope = yield* Scope.make()
    const listener = yield* Network.listen("unix:///run/server.sock").pipe(
      Effect.provideService(Network.Network, network),
      Scope.provide(scope)
    )
    const heard = yield* Deferred.await(receiver)
    const accepting = yield* Effect.forkChild(Effect.flip(Effect.scoped(Listener.accept(listener))), {
      startImmediately: true
    })
    yield* Scope.close(scope, Exit.void)
    expect((yield* Fiber.join(accepting)).reason._tag).toBe("Closed")
    heard.onConnection(late[0]!)
    expect(late.map(({ calls }) => calls)).toEqual([["reset"], ["reset"]])
    expect(closed).toBe(1)
    expect((yield* Effect.flip(Effect.scoped(Listener.accept(listener)))).reason._tag).toBe("Closed")
  }))
