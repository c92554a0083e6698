import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as ServerLog from "@sluice/core/ServerLog"
import * as Transport from "@sluice/core/Transport"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { FakeTransport } from "./connection/FakeTransport.ts"

/** A connection that closes when it is told to, and whose handshake takes as long as its peer likes. */
class Client extends FakeTransport {
  readonly secured = Deferred.makeUnsafe<void>()

  override destroy(): void {
    this.reset()
  }

  override reset(): void {
    super.reset()
    if (this.receiver !== undefined) this.close()
  }
}

/** A listening socket that several processes share: connections that this one does not accept wait for any of them. */
class SharedSocket {
  readonly queue: Array<Client> = []
  readonly taken: Array<Client> = []
  #receiver: Transport.ListenerReceiver | undefined = undefined
  #accepting = true

  readonly network = Transport.makeNetwork({
    resolver: AddressResolver.make(Dns.make({ lookup: () => Effect.die("there are no names here") })),
    connect: () => Effect.never,
    bind: () => Effect.never,
    secure: () =>
      Effect.succeed({
        handshake: (transport) => Effect.as(Deferred.await((transport as Client).secured), transport as Client)
      }),
    listen: (_address, _options, receiver) =>
      Effect.sync(() => {
        this.#receiver = receiver
        return {
          address: NetAddress.inetAddressFromStringUnsafe("127.0.0.1:7"),
          setAccepting: (accepting: boolean) => {
            expect(accepting).toBe(!this.#accepting)
            this.#accepting = accepting
          },
          close: Effect.void
        }
      })
  })

  /** The event loop turns: what waits is accepted, one by one, as libuv does it. */
  readonly turn = Effect.gen({ self: this }, function*() {
    while (this.#accepting && this.queue.length > 0) {
      const client = this.queue.shift()!
      this.taken.push(client)
      this.#receiver!.onConnection(client)
      yield* Effect.yieldNow
    }
    return this.taken.length
  })

  connect(count: number): Effect.Effect<number> {
    for (let each = 0; each < count; each++) this.queue.push(new Client())
    return this.turn
  }
}

const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`

const secured = {
  listen: "tls://127.0.0.1:7",
  tls: { certificates: [{ chain: pem("CERTIFICATE"), key: Redacted.make(pem("PRIVATE KEY")) }] }
} as const

/** A server with handlers that run until their clients leave, and its `Full` events. */
const serve = Effect.fnUntraced(function*(socket: SharedSocket, options: Server.Options) {
  const full: Array<ServerEvent.Full> = []
  const server = yield* Server.make(options, (connection) => Connection.closed(connection)).pipe(
    Effect.provideService(Network.Network, yield* socket.network),
    Effect.provideService(
      ServerLog.CurrentServerLog,
      ServerLog.make(["Full"], (event) => Effect.sync(() => void full.push(event)))
    )
  )
  const open = () => socket.taken.filter(({ closed, receiver }) => !closed && receiver !== undefined)
  const leave = Effect.andThen(Effect.sync(() => open()[0]!.close()), Effect.yieldNow)
  yield* Effect.addFinalizer(Effect.fnUntraced(function*() {
    for (const client of socket.taken) yield* Deferred.succeed(client.secured, undefined)
    yield* Effect.yieldNow
    while (open().length > 0) yield* leave
  }))
  return { server, full, leave }
})

describe("a socket that other processes share", () => {
  it.effect("a full server leaves connections to them, and continues when it has room", () =>
    Effect.gen(function*() {
      const socket = new SharedSocket()
      const { full, leave, server } = yield* serve(socket, { listen: "tcp://127.0.0.1:7", maxConnections: 3 })
      expect(yield* socket.connect(2)).toBe(2)
      expect(full).toEqual([])
      expect(yield* socket.connect(4)).toBe(3)
      expect(full.map(({ open, waiting }) => [open, waiting])).toEqual([[3, 0]])
      expect(yield* server.waiting).toBe(0)
      yield* leave
      expect(yield* socket.turn).toBe(4)
      yield* server.update({ maxConnections: 4 })
      expect(yield* socket.turn).toBe(5)
      expect(full.length).toBe(1)
      yield* TestClock.adjust("1 minute")
      expect(full.map(({ open }) => open)).toEqual([3, 4])
      yield* server.update({ maxConnections: undefined })
      expect(yield* socket.turn).toBe(6)
      yield* TestClock.adjust("1 hour")
      expect(full.length).toBe(2)
    }))

  it.effect("so does a suspended one; one that refuses does not", () =>
    Effect.gen(function*() {
      const socket = new SharedSocket()
      const { server } = yield* serve(socket, { listen: "tcp://127.0.0.1:7", maxConnections: 2 })
      yield* server.suspend
      expect(yield* socket.connect(2)).toBe(0)
      yield* server.resume
      expect(yield* socket.connect(1)).toBe(2)
      yield* server.update({ whenFull: "refuse" })
      expect(yield* socket.connect(1)).toBe(4)
      expect(socket.taken.map(({ calls }) => calls)).toEqual([[], [], ["reset"], ["reset"]])
    }))

  it.effect("each handshake in progress takes a place", () =>
    Effect.gen(function*() {
      const socket = new SharedSocket()
      const { full, server } = yield* serve(socket, { ...secured, maxConnections: 3 })
      expect(yield* socket.connect(8)).toBe(3)
      expect(full).toEqual([])
      // One fails, and another is done: there is room for one more.
      yield* Deferred.die(socket.taken[0]!.secured, "broken")
      yield* Deferred.succeed(socket.taken[1]!.secured, undefined)
      expect(yield* socket.turn).toBe(4)
      // The two that stall are given up.
      yield* TestClock.adjust("9 seconds")
      expect(yield* socket.turn).toBe(4)
      yield* TestClock.adjust("1 second")
      expect(yield* socket.turn).toBe(6)
      for (const client of socket.taken) yield* Deferred.succeed(client.secured, undefined)
      expect(yield* socket.turn).toBe(6)
      expect(yield* server.waiting).toBe(0)
      expect(full.map(({ open, waiting }) => [open, waiting])).toEqual([[3, 0]])
    }))

  it.effect("a listener takes one that nobody accepts yet", () =>
    Effect.gen(function*() {
      const socket = new SharedSocket()
      const network = yield* socket.network
      const listener = yield* Network.listen("tcp://127.0.0.1:7").pipe(Effect.provideService(Network.Network, network))
      expect(yield* socket.connect(3)).toBe(1)
      const scope = yield* Scope.make()
      yield* Scope.provide(Listener.accept(listener), scope)
      expect(yield* socket.turn).toBe(2)
    }))
})
