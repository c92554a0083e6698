import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as ProxyProtocolError from "@sluice/proxy/ProxyProtocolError"
import * as Host from "@sluice/simulation/Host"
import type * as Link from "@sluice/simulation/Link"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { typeId as listenerId } from "../../src/internal/accept/listener.ts"
import { checkTrust } from "../../src/internal/proxy/options.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const line = "PROXY TCP4 198.51.100.7 203.0.113.1 50412 443\r\n"
const addresses: ProxyProtocol.Addresses = {
  source: NetAddress.inetAddressFromIpStringUnsafe("198.51.100.7", 50412),
  destination: NetAddress.inetAddressFromIpStringUnsafe("203.0.113.1", 443)
}
const encoded = (header: ProxyProtocol.Header) => Result.getOrThrow(ProxyProtocol.encode(header))
const version2 = encoded(ProxyProtocol.make(addresses, {
  tlvs: [{ _tag: "Authority", name: "example.org" }, { _tag: "Crc32c" }]
}))

/** A server that listens behind a proxy, and what it hears of connections that it refuses. */
const scene = Effect.fnUntraced(function*(
  options: Partial<SocketOptions.ProxyProtocolOptions> & Omit<SocketOptions.ListenOptions, "proxyProtocol"> = {},
  link: Link.Options = { latency: 1, segmentation: 0 }
) {
  const { limit, timeout, trusted = ["10.1.0.1"], ...rest } = options
  const server = yield* SimNetwork.host("server")
  const proxy = yield* SimNetwork.host("proxy", { addresses: ["10.1.0.1"] })
  const stranger = yield* SimNetwork.host("stranger", { addresses: ["10.2.0.1"] })
  yield* SimNetwork.link(server, proxy, link)
  const listener = yield* Network.listen("tcp://0.0.0.0:7", {
    ...rest,
    proxyProtocol: { trusted, timeout, limit }
  }).pipe(Effect.provide(Host.layer(server)))
  const state = listener[listenerId]
  const refused: Array<readonly [number, NetworkError.NetworkError]> = []
  const clock = yield* Clock.Clock
  state.serve({
    onArrival: () => {},
    onRefused: () => {},
    onAcceptFailed: () => {},
    onHandshakeFailed: (_, error) => {
      refused.push([clock.currentTimeMillisUnsafe(), error])
    }
  })
  const dial = (host: Host.Host, connect?: SocketOptions.ConnectOptions) =>
    Network.connect("server:7", connect).pipe(Effect.provide(Host.layer(host)))
  return { server, proxy, stranger, listener, state, refused, dial, accept: Listener.accept(listener) }
})

const simulated = <A, E>(
  program: Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>,
  options: Simulation.Options = {}
) => Simulation.run(program, { limit: { time: "1 hour" }, ...options })

const reasonsOf = (refused: ReadonlyArray<readonly [number, NetworkError.NetworkError]>) =>
  refused.map(([, { reason }]) =>
    reason._tag === "InvalidProxyHeader" ? `${reason._tag} ${reason.fault._tag}` : reason._tag
  )

describe("behind a trusted proxy", () => {
  for (const [name, header] of [["version 1", utf8(line)], ["version 2", version2]] as const) {
    it.effect(`${name}: the connection has the client's addresses, and begins behind the header`, () =>
      simulated(Effect.gen(function*() {
        const { accept, dial, proxy, server } = yield* scene()
        const near = yield* dial(proxy)
        yield* Connection.writeAll(near, [header, utf8("hello")])
        const far = yield* accept
        assert.deepStrictEqual(far.remoteAddress, addresses.source)
        assert.deepStrictEqual(far.localAddress, addresses.destination)
        assert.deepStrictEqual(far.proxy?.remoteAddress, near.localAddress)
        assert.strictEqual(
          NetAddress.formatSocketAddress(far.proxy!.localAddress),
          `${server.addresses[0]}:7`
        )
        assert.deepStrictEqual(far.proxy?.header.addresses, addresses)
        assert.strictEqual(Connection.formatPeer(far), "198.51.100.7:50412")
        assert.strictEqual(text(yield* Connection.readExactly(far, 5)), "hello")
        assert.strictEqual(Connection.bytesIn(far), 5)
        yield* Connection.writeText(far, "and back")
        assert.strictEqual(text(yield* Connection.readExactly(near, 8)), "and back")
      })))

    it.effect(`${name}: nothing is processed before the header is whole, which may come byte by byte`, () =>
      simulated(Effect.gen(function*() {
        const { accept, dial, proxy } = yield* scene({ timeout: "1 minute" })
        const near = yield* dial(proxy)
        const begun = yield* Clock.currentTimeMillis
        const accepted = yield* Effect.forkChild(Effect.gen(function*() {
          const connection = yield* accept
          return { connection, now: yield* Clock.currentTimeMillis }
        }))
        for (const byte of header) {
          yield* Connection.write(near, Uint8Array.of(byte))
          yield* Effect.sleep(10)
        }
        yield* Connection.writeText(near, "hello")
        const { connection, now } = yield* Fiber.join(accepted)
        // A byte every 10 ms, and the last of them takes 1 ms to arrive.
        assert.strictEqual(now - begun, (header.length - 1) * 10 + 1)
        assert.strictEqual(text(yield* Connection.readExactly(connection, 5)), "hello")
      })))
  }

  it.effect(
    "no byte behind the header is lost or seen twice, however the network splits and reorders",
    () =>
      Effect.gen(function*() {
        for (let seed = 1; seed <= 40; seed++) {
          const header = seed % 2 === 0 ? utf8(line) : version2
          yield* simulated(
            Effect.gen(function*() {
              const link = { latency: 20, jitter: 20, loss: 0.1, reordering: 0.3, segmentation: 1, mtu: 100 }
              const { accept, dial, proxy } = yield* scene({ timeout: "10 minutes" }, link)
              const near = yield* dial(proxy)
              const random = yield* Random.Random
              const sent = Uint8Array.from({ length: 20_000 }, () => random.nextIntUnsafe() & 255)
              yield* Effect.forkChild(Effect.andThen(Connection.writeAll(near, [header, sent]), Connection.end(near)))
              const far = yield* accept
              assert.deepStrictEqual(far.remoteAddress, addresses.source)
              assert.deepStrictEqual(yield* Connection.readAll(far), sent)
              assert.isTrue(Option.isNone(yield* Connection.read(far)))
            }),
            { seed, schedule: "random" }
          )
        }
      })
  )

  it.effect("a megabyte is echoed through it", () =>
    simulated(Effect.gen(function*() {
      const { accept, dial, proxy } = yield* scene()
      const near = yield* dial(proxy)
      const random = yield* Random.Random
      const sent = Uint8Array.from({ length: 1024 * 1024 }, () => random.nextIntUnsafe() & 255)
      yield* Effect.forkChild(Effect.andThen(Connection.writeAll(near, [version2, sent]), Connection.end(near)))
      const far = yield* accept
      yield* Effect.forkChild(Effect.andThen(Connection.pipeTo(far, far), Connection.end(far)))
      assert.deepStrictEqual(yield* Connection.readAll(near), sent)
    })))

  it.effect("a server that speaks first speaks when the header is whole", () =>
    simulated(Effect.gen(function*() {
      const { dial, proxy, server } = yield* scene()
      yield* Server.make({
        listen: "tcp://0.0.0.0:25",
        proxyProtocol: { trusted: ["10.1.0.0/16"] }
      }, (connection) => Connection.writeText(connection, `220 hello ${Connection.formatPeer(connection)}\r\n`)).pipe(
        Effect.provide(Host.layer(server))
      )
      yield* dial(proxy)
      const near = yield* Network.connect("server:25").pipe(Effect.provide(Host.layer(proxy)))
      yield* Connection.writeText(near, line.slice(0, 20))
      const silent = yield* Effect.timeoutOption(Connection.read(near), "1 second")
      assert.isTrue(Option.isNone(silent))
      yield* Connection.writeText(near, line.slice(20))
      assert.strictEqual(text(yield* Connection.readAll(near)), "220 hello 198.51.100.7:50412\r\n")
    })))

  it.effect("LOCAL and unknown clients keep the addresses of the socket", () =>
    simulated(Effect.gen(function*() {
      const { accept, dial, proxy } = yield* scene()
      for (const header of [ProxyProtocol.local, ProxyProtocol.unknown(1), ProxyProtocol.unknown(2)]) {
        const near = yield* dial(proxy, { proxyProtocol: header })
        const far = yield* accept
        assert.deepStrictEqual(far.remoteAddress, near.localAddress)
        assert.deepStrictEqual(far.localAddress, near.remoteAddress)
        assert.deepStrictEqual(far.proxy, {
          header,
          localAddress: near.remoteAddress,
          remoteAddress: near.localAddress
        })
      }
    })))

  it.effect("the end, or a reset, right behind the header is heard like any other", () =>
    simulated(Effect.gen(function*() {
      const { accept, dial, proxy } = yield* scene()
      for (const rest of ["", "bye"]) {
        const near = yield* dial(proxy)
        yield* Connection.writeText(near, line + rest)
        yield* Connection.end(near)
        // It waits until all has come.
        yield* Effect.sleep("1 second")
        const far = yield* accept
        assert.strictEqual(text(yield* Connection.readAll(far)), rest)
        yield* Connection.writeText(far, "still here")
        assert.strictEqual(text(yield* Connection.readExactly(near, 10)), "still here")
      }
      const near = yield* dial(proxy)
      yield* Connection.writeText(near, line)
      yield* Effect.sleep("1 second")
      yield* Connection.abort(near)
      yield* Effect.sleep("1 second")
      const far = yield* accept
      const error = yield* Effect.flip(Connection.read(far))
      assert.strictEqual(error.reason._tag, "ConnectionReset")
    })))

  it.effect("over a Unix-domain socket, where \"unix\" is trusted", () =>
    simulated(Effect.gen(function*() {
      const host = yield* SimNetwork.host("server")
      const program = Effect.gen(function*() {
        const listener = yield* Network.listen("unix:///run/a.sock", { proxyProtocol: { trusted: ["unix"] } })
        const header = ProxyProtocol.make(addresses)
        yield* Network.connect("unix:///run/a.sock", { proxyProtocol: header })
        const far = yield* Listener.accept(listener)
        assert.deepStrictEqual(far.remoteAddress, addresses.source)
        assert.deepStrictEqual(far.proxy?.header, header)
      })
      yield* Effect.provide(program, Host.layer(host))
    })))
})

describe("a client", () => {
  it.effect("sends its header first, even where the system does not take it at once", () =>
    simulated(
      Effect.gen(function*() {
        const { accept, dial, proxy } = yield* scene()
        const tlvs: ReadonlyArray<ProxyProtocol.Tlv> = [{ _tag: "Noop", value: new Uint8Array(16_000) }]
        const proxyProtocol = ProxyProtocol.make(addresses, { tlvs })
        const near = yield* dial(proxy, { proxyProtocol })
        yield* Effect.forkChild(Effect.andThen(Connection.write(near, new Uint8Array(50_000)), Connection.end(near)))
        const far = yield* accept
        assert.deepStrictEqual(far.proxy?.header, proxyProtocol)
        yield* Effect.forkChild(Effect.andThen(Connection.write(far, new Uint8Array(40_000)), Connection.end(far)))
        assert.strictEqual((yield* Connection.readAll(far)).length, 50_000)
        assert.strictEqual((yield* Connection.readAll(near)).length, 40_000)
      }),
      { tcp: { sendBuffer: 1000, receiveBuffer: 1000 } }
    ))

  it.effect("hears of a server that speaks, or ends, before it has the whole header", () =>
    simulated(
      Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        const listener = yield* Network.listen("tcp://0.0.0.0:7").pipe(Effect.provide(Host.layer(server)))
        yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
          const far = yield* Listener.accept(listener)
          yield* Connection.writeText(far, "go away")
          yield* Connection.end(far)
          yield* Effect.sleep("1 second")
          yield* Connection.readAll(far)
        })))
        const tlvs: ReadonlyArray<ProxyProtocol.Tlv> = [{ _tag: "Noop", value: new Uint8Array(16_000) }]
        const near = yield* Network.connect("server:7", { proxyProtocol: ProxyProtocol.make(addresses, { tlvs }) })
          .pipe(
            Effect.provide(Host.layer(client))
          )
        assert.isAtLeast(yield* Clock.currentTimeMillis, 1000)
        assert.strictEqual(text(yield* Connection.readAll(near)), "go away")
        yield* Connection.end(near)
      }),
      { tcp: { sendBuffer: 1000, receiveBuffer: 1000 } }
    ))

  it.effect("fails to connect when the server resets it meanwhile", () =>
    simulated(
      Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        const listener = yield* Network.listen("tcp://0.0.0.0:7").pipe(Effect.provide(Host.layer(server)))
        yield* Effect.forkChild(Effect.scoped(Effect.flatMap(Listener.accept(listener), Connection.abort)))
        const tlvs: ReadonlyArray<ProxyProtocol.Tlv> = [{ _tag: "Noop", value: new Uint8Array(16_000) }]
        const error = yield* Network.connect("server:7", { proxyProtocol: ProxyProtocol.make(addresses, { tlvs }) })
          .pipe(
            Effect.provide(Host.layer(client)),
            Effect.flip
          )
        assert.strictEqual(error.reason._tag, "ConnectionReset")
      }),
      { tcp: { sendBuffer: 1000, receiveBuffer: 1000 } }
    ))
})

describe("a trusted proxy that sends no header", () => {
  it.effect("is refused when its time is over, to the millisecond", () =>
    Effect.forEach(["", line.slice(0, 30)], (begun) =>
      simulated(Effect.gen(function*() {
        const { dial, proxy, refused, state } = yield* scene({ timeout: "3 seconds" })
        const near = yield* dial(proxy)
        if (begun.length > 0) yield* Connection.writeText(near, begun)
        const connected = yield* Clock.currentTimeMillis
        const error = yield* Effect.flip(Connection.read(near))
        assert.strictEqual(error.reason._tag, "ConnectionReset")
        assert.strictEqual(refused.length, 1)
        const [at, refusal] = refused[0]!
        // The handshake's third packet is 1 ms on its way.
        assert.strictEqual(at, connected + 1 + 3000)
        assert.deepStrictEqual(
          refusal.reason,
          new NetworkError.TimedOut({ deadline: "proxyHeader", after: 3000 })
        )
        assert.include(refusal.message, "no complete PROXY header was received within 3000 ms")
        assert.strictEqual(state.waiting, 0)
      }))))

  const faults: ReadonlyArray<readonly [string, string | Uint8Array, ProxyProtocolError.Reason["_tag"]]> = [
    ["something else", "GET / HTTP/1.1\r\n\r\n", "NotProxyHeader"],
    ["a TLS handshake", Uint8Array.of(0x16, 0x03, 0x01), "NotProxyHeader"],
    ["a line that is wrong", "PROXY TCP4 198.51.100.7 203.0.113.1 050412 443\r\n", "InvalidPort"],
    ["a header that is too long", Uint8Array.from([...version2.subarray(0, 14), 0xff, 0xff]), "HeaderTooLong"],
    ["a header that is corrupt", version2.with(20, 1), "ChecksumMismatch"]
  ]

  for (const [name, sent, tag] of faults) {
    it.effect(`is refused at once: ${name}`, () =>
      simulated(Effect.gen(function*() {
        const { dial, proxy, refused } = yield* scene()
        const near = yield* dial(proxy)
        const connected = yield* Clock.currentTimeMillis
        yield* Connection.write(near, typeof sent === "string" ? utf8(sent) : sent)
        const error = yield* Effect.flip(Connection.read(near))
        assert.strictEqual(error.reason._tag, "ConnectionReset")
        assert.deepStrictEqual(reasonsOf(refused), [`InvalidProxyHeader ${tag}`])
        assert.strictEqual(refused[0]![0], connected + 1)
        assert.include(refused[0]![1].message, "10.1.0.1")
      })))
  }

  it.effect("is refused when it ends before the header is whole", () =>
    simulated(Effect.gen(function*() {
      const { dial, proxy, refused } = yield* scene()
      const near = yield* dial(proxy)
      yield* Connection.writeText(near, line.slice(0, 20))
      yield* Connection.end(near)
      yield* Effect.flip(Connection.read(near))
      assert.deepStrictEqual(
        refused[0]![1].reason,
        new NetworkError.InvalidProxyHeader({
          fault: new ProxyProtocolError.TruncatedHeader({ received: 20 })
        })
      )
    })))

  it.effect("is forgotten when it resets the connection", () =>
    simulated(Effect.gen(function*() {
      const { dial, proxy, refused } = yield* scene()
      const near = yield* dial(proxy)
      yield* Connection.writeText(near, line.slice(0, 20))
      yield* Effect.sleep(100)
      yield* Connection.abort(near)
      yield* Effect.sleep(100)
      assert.deepStrictEqual(reasonsOf(refused), ["ConnectionReset"])
    })))

  it.effect("keeps nobody out, and no more of them are held than the backlog", () =>
    simulated(Effect.gen(function*() {
      const { accept, dial, proxy, refused, state } = yield* scene({ backlog: 10, timeout: "10 seconds" })
      for (let i = 0; i < 100; i++) yield* dial(proxy)
      const near = yield* dial(proxy, { proxyProtocol: ProxyProtocol.make(addresses) })
      yield* Connection.writeText(near, "hello")
      const far = yield* accept
      assert.deepStrictEqual(far.remoteAddress, addresses.source)
      assert.strictEqual(text(yield* Connection.readExactly(far, 5)), "hello")
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual([state.traffic.refused.backlog, refused.length], [91, 9])
      assert.strictEqual(state.traffic.open, 1)
    })))

  it.effect("is reset when the listener closes", () =>
    simulated(Effect.gen(function*() {
      const { dial, proxy, state } = yield* scene()
      const near = yield* dial(proxy)
      yield* Connection.writeText(near, line.slice(0, 20))
      yield* Effect.sleep(100)
      yield* state.close
      const error = yield* Effect.flip(Connection.read(near))
      assert.strictEqual(error.reason._tag, "ConnectionReset")
    })))
})

describe("anybody else", () => {
  it.effect("is served as it is, and a header is data", () =>
    simulated(Effect.gen(function*() {
      const { accept, dial, stranger } = yield* scene()
      const near = yield* dial(stranger)
      // It is accepted before it has sent anything.
      const far = yield* accept
      yield* Connection.writeText(near, line)
      assert.deepStrictEqual(far.remoteAddress, near.localAddress)
      assert.isUndefined(far.proxy)
      assert.strictEqual(text(yield* Connection.readExactly(far, line.length)), line)
    })))

  it.effect("is told apart by network, with IPv4-mapped ones as what they map, and both families", () =>
    simulated(Effect.gen(function*() {
      const { proxy, stranger, server } = yield* scene()
      const cases = [
        [["10.1.0.0/16"], proxy, true],
        [["10.1.0.1"], proxy, true],
        [["10.2.0.0/16", "10.1.0.1/32"], proxy, true],
        [["::ffff:10.1.0.0/112"], proxy, true],
        [["10.1.0.0/16"], stranger, false],
        [["::/0"], proxy, false],
        [["unix"], proxy, false]
      ] as const
      for (const [index, [trusted, from, expected]] of cases.entries()) {
        const port = 100 + index
        const listener = yield* Network.listen(`tcp://0.0.0.0:${port}`, { proxyProtocol: { trusted } }).pipe(
          Effect.provide(Host.layer(server))
        )
        yield* Network.connect(`server:${port}`, { proxyProtocol: ProxyProtocol.make(addresses) }).pipe(
          Effect.provide(Host.layer(from))
        )
        assert.strictEqual((yield* Listener.accept(listener)).proxy !== undefined, expected, trusted.join())
      }
    })))
})

describe("limits", () => {
  it.effect("connections are counted by the client's address, and not by the proxy's", () =>
    simulated(Effect.gen(function*() {
      const { proxy, server } = yield* scene()
      const handle = yield* Server.make(
        { listen: "tcp://0.0.0.0:8", maxConnectionsPerAddress: 2, proxyProtocol: { trusted: ["10.1.0.1"] } },
        (connection) => Connection.pipeTo(connection, connection)
      ).pipe(Effect.provide(Host.layer(server)))
      const dial = (last: number) =>
        Network.connect("server:8", {
          proxyProtocol: ProxyProtocol.make({
            source: NetAddress.inetAddressFromIpStringUnsafe(`198.51.100.${last}`, 1),
            destination: addresses.destination
          })
        }).pipe(Effect.provide(Host.layer(proxy)))
      const kept = yield* Effect.forEach([1, 1, 2, 2, 3], dial)
      const tooMany = yield* dial(1)
      assert.strictEqual((yield* Effect.flip(Connection.read(tooMany))).reason._tag, "ConnectionReset")
      for (const near of kept) {
        yield* Connection.writeText(near, "hi")
        assert.strictEqual(text(yield* Connection.readExactly(near, 2)), "hi")
      }
      assert.strictEqual((yield* handle.connections).length, 5)
    })))
})

describe("options", () => {
  it("limit headers to 16 KiB, or to what the program says", () => {
    const limits = [undefined, 107, 5000, 65_551].map((limit) => checkTrust({ trusted: ["unix"], limit })?.limit)
    assert.deepStrictEqual(limits, [16_384, 107, 5000, 65_551])
  })

  it.effect("are refused before anything is opened, if invalid", () =>
    simulated(Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      const optionOf = (error: NetworkError.NetworkError) =>
        error.reason._tag === "InvalidOption" ? error.reason.option : error.reason._tag
      const listenWith = (proxyProtocol: SocketOptions.ProxyProtocolOptions) =>
        Effect.map(Effect.flip(Network.listen("tcp://0.0.0.0:7", { proxyProtocol })), optionOf)
      const program = Effect.gen(function*() {
        assert.strictEqual(yield* listenWith({ trusted: [] }), "proxyProtocol.trusted")
        assert.strictEqual(yield* listenWith({ trusted: ["10.0.0.1/8"] }), "proxyProtocol.trusted")
        assert.strictEqual(yield* listenWith({ trusted: ["localhost"] }), "proxyProtocol.trusted")
        assert.strictEqual(yield* listenWith({ trusted: ["unix"], timeout: 0 }), "proxyProtocol.timeout")
        assert.strictEqual(yield* listenWith({ trusted: ["unix"], limit: 106 }), "proxyProtocol.limit")
        const proxyProtocol = { ...ProxyProtocol.local, version: 1 } as const
        const error = yield* Effect.flip(Network.connect("host:7", { proxyProtocol }))
        assert.strictEqual(optionOf(error), "proxyProtocol")
        assert.include(error.message, "version 1 has no command other than PROXY")
      })
      yield* Effect.provide(program, Host.layer(host))
    })))
})
