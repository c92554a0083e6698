import { describe, expect, it } from "@effect/vitest"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"

const inet = NetAddress.inetAddressFromStringUnsafe

/** A platform whose operations are given; the others die. */
const networkOf = (platform: Partial<Transport.Platform>) =>
  Transport.makeNetwork({
    resolver: AddressResolver.make(Dns.make({ lookup: () => Effect.die("no names here") })),
    connect: () => Effect.die("no connections here"),
    listen: () => Effect.die("no listeners here"),
    bind: () => Effect.die("no datagrams here"),
    secure: () => Effect.die("no TLS here"),
    ...platform
  })

const withNetwork = <A, E, R>(
  platform: Partial<Transport.Platform>,
  effect: Effect.Effect<A, E, R | Network.Network>
) => Effect.flatMap(networkOf(platform), (network) => Effect.provideService(effect, Network.Network, network))

const lookup = (answer: Effect.Effect<ReadonlyArray<NetAddress.IpAddress>, Dns.DnsError>) =>
  AddressResolver.make(Dns.make({ lookup: () => answer }))

const names = (...addresses: ReadonlyArray<string>) =>
  lookup(Effect.succeed(addresses.map(NetAddress.ipFromStringUnsafe)))

class FakeStream implements Transport.StreamTransport {
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  ended: "reset" | "destroyed" | undefined = undefined
  #receiver: Transport.StreamReceiver | undefined = undefined

  constructor(local: string, remote: string) {
    this.localAddress = inet(local)
    this.remoteAddress = inet(remote)
  }

  start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
  }
  resume(): void {}
  keep(chunk: Uint8Array): Uint8Array {
    return chunk
  }
  dedicate(): boolean {
    return false
  }
  write(): boolean {
    return true
  }
  end(): void {
    this.destroy()
  }
  destroy(): void {
    this.ended ??= "destroyed"
    this.#receiver?.onClose()
  }
  reset(): void {
    this.ended ??= "reset"
    this.#receiver?.onClose()
  }
}

describe("Network", () => {
  it.effect("resets a connection whose TLS has begun and fails, so that no FIN goes in the clear; others are closed", () =>
    Effect.gen(function*() {
      const failure = NetworkError.make("secure", "a peer", new NetworkError.ConnectionReset())
      const cases = [["tls://127.0.0.1:1", "reset"], ["tcp://127.0.0.1:1", "destroyed"]] as const
      for (const [endpoint, ended] of cases) {
        const stream = new FakeStream("127.0.0.1:5", "127.0.0.1:1")
        const platform: Partial<Transport.Platform> = {
          connect: () => Effect.succeed(stream),
          secure: () => Effect.succeed({ handshake: () => Effect.fail(failure) })
        }
        // A PROXY header, which is sent first, is not taken.
        stream.write = () => false
        const options = endpoint.startsWith("tcp") ? { proxyProtocol: ProxyProtocol.local } : {}
        const connecting = Effect.flip(withNetwork(platform, Effect.scoped(Network.connect(endpoint, options))))
        const failing = yield* Effect.forkChild(connecting, { startImmediately: true })
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(failing)
        expect(stream.ended).toBe(ended)
      }
    }))

  it.effect("closes what has connected, wherever its fiber lets others run and is interrupted", () =>
    Effect.gen(function*() {
      const streams: Array<FakeStream> = []
      const connect = () =>
        Effect.sync(() => {
          const stream = new FakeStream("127.0.0.1:5", "127.0.0.1:1")
          streams.push(stream)
          return stream
        })
      const operations = 64
      for (let before = 0; before < operations; before++) {
        let count = 0
        const busy = Effect.whileLoop({ while: () => ++count < before, body: () => Effect.void, step: () => {} })
        const connecting = Effect.andThen(busy, withNetwork({ connect }, Network.connect("tcp://127.0.0.1:1")))
        const fiber = yield* Effect.forkChild(
          Effect.provideService(Effect.scoped(connecting), Scheduler.MaxOpsBeforeYield, operations),
          { startImmediately: true }
        )
        yield* Fiber.interrupt(fiber)
      }
      expect(streams.length).toBeGreaterThan(0)
      expect(streams.filter(({ ended }) => ended === undefined)).toEqual([])
    }))

  it.effect("rejects options and endpoints before a name is resolved", () =>
    withNetwork(
      {},
      Effect.gen(function*() {
        const reasonOf = <A, R>(effect: Effect.Effect<A, NetworkError.NetworkError, R>) =>
          Effect.map(Effect.flip(effect), ({ reason }) => reason)
        expect(yield* reasonOf(Network.connect("name.test:1", { connectTimeout: 0 })))
          .toMatchObject({ _tag: "InvalidOption", option: "connectTimeout" })
        expect(yield* reasonOf(Network.listen("name.test:1", { backlog: 0 })))
          .toMatchObject({ _tag: "InvalidOption", option: "backlog" })
        expect(yield* reasonOf(Network.listen("name.test:1", { mode: 0o1000 })))
          .toMatchObject({ _tag: "InvalidOption", option: "mode" })
        const wrong = "udp://name.test:1"
        for (const reason of [reasonOf(Network.connect(wrong)), reasonOf(Network.listen(wrong))]) {
          expect(yield* reason).toMatchObject({ _tag: "InvalidEndpoint", part: "scheme" })
        }
        for (const endpoint of ["tls://name.test:1", Endpoint.inherited("tls://name.test:1")]) {
          expect(yield* reasonOf(Network.listen(endpoint))).toMatchObject({ _tag: "InvalidOption", option: "tls" })
        }
        expect(yield* reasonOf(Network.bind("udp://name.test:1", { ttl: 0 })))
          .toMatchObject({ _tag: "InvalidOption", option: "ttl" })
        expect(yield* reasonOf(Network.bind("udp://name.test:1", { multicastInterface: "eth7" })))
          .toMatchObject({ _tag: "InvalidOption", option: "multicastInterface" })
        expect(yield* reasonOf(Network.bind("udp://name.test:1", { peer: "nowhere" })))
          .toMatchObject({ _tag: "InvalidEndpoint", part: "port" })
      })
    ))

  it.effect.each(
    [
      ["NotFound", "ENOTFOUND", "HostNotFound", false],
      ["Temporary", "EAI_AGAIN", "NameServerFailed", true],
      ["ServerFailure", "ESERVFAIL", "NameServerFailed", true],
      ["Timeout", "ETIMEOUT", "NameServerFailed", true],
      ["Unknown", "EMFILE", "TooManyOpenFiles", true],
      ["BadName", "EBADNAME", "HostNotFound", false]
    ] as const
  )("tells a failed look-up %s (%s) as %s", ([dns, code, tag, mayPass]) => {
    const cause = Object.assign(new Error(`getaddrinfo ${code}`), { code, syscall: "getaddrinfo" })
    const failing = lookup(Effect.fail(new Dns.DnsError({ reason: dns, method: "lookup", hostname: "db.test", cause })))
    return withNetwork(
      { resolver: failing },
      Effect.gen(function*() {
        const error = yield* Effect.flip(Network.connect("db.test:5432"))
        expect(error).toMatchObject({
          operation: "resolve",
          address: "tcp://db.test:5432",
          code,
          syscall: "getaddrinfo",
          reason: { _tag: tag }
        })
        expect(NetworkError.isTransient(error)).toBe(mayPass)
      })
    )
  })

  it.effect("listens on an inherited socket of the platform, or at the fallback where there is none", () =>
    Effect.gen(function*() {
      const listen = Effect.succeed({ address: inet("127.0.0.1:7"), close: Effect.void, resume: () => {} })
      const opened = Effect.fnUntraced(function*(isInheritable: boolean, fallback?: string) {
        const seen: Array<string> = []
        const noting = (what: string) => Effect.andThen(Effect.sync(() => seen.push(what)), listen)
        const platform = {
          listen: () => noting("fallback"),
          ...(isInheritable ? { inherit: () => noting("inherited") } : {})
        } as Partial<Transport.Platform>
        const result = yield* Effect.result(
          withNetwork(platform, Network.listen(fallback === undefined ? "systemd://" : Endpoint.inherited(fallback)))
        )
        return Result.isSuccess(result) ? seen.join() : result.failure.reason._tag
      })
      expect([
        yield* opened(true),
        yield* opened(true, "tcp://127.0.0.1:7"),
        yield* opened(false),
        yield* opened(false, "tcp://127.0.0.1:7")
      ]).toEqual(["inherited", "inherited", "NoInheritedSocket", "fallback"])
    }))

  it.effect("refuses a connection of a socket with itself, and resets it", () => {
    const stream = new FakeStream("127.0.0.1:40000", "127.0.0.1:40000")
    return withNetwork(
      { connect: () => Effect.succeed(stream) },
      Effect.gen(function*() {
        const error = yield* Effect.flip(Network.connect("tcp://127.0.0.1:40000"))
        expect(error).toMatchObject({ reason: { _tag: "ConnectionRefused" }, address: "tcp://127.0.0.1:40000" })
        expect(stream.ended).toBe("reset")
        // A program that asks for the port by number gets it.
        const local = { localAddress: "127.0.0.1", localPort: 40000, closeTimeout: 0 }
        expect((yield* Network.connect("tcp://127.0.0.1:40000", local)).localAddress).toEqual(inet("127.0.0.1:40000"))
      })
    )
  })

  it.effect("says what each address of a name failed with, and chooses the reason that was reached farthest", () =>
    withNetwork(
      {
        resolver: names("2001:db8::1", "192.0.2.1"),
        connect: (address) =>
          Effect.fail(Transport.systemError({
            operation: "connect",
            address: `tcp://${NetAddress.formatSocketAddress(address)}`,
            error: { code: address._tag === "InetAddressV6" ? "ENETUNREACH" : "ECONNREFUSED", syscall: "connect" }
          }))
      },
      Effect.gen(function*() {
        const error = yield* Effect.flip(Network.connect("both.test:80"))
        expect(error.reason._tag).toBe("ConnectionRefused")
        expect(error.attempts?.map(({ reason }) => reason._tag)).toEqual(["Unreachable", "ConnectionRefused"])
        expect(error.message).toBe(
          "cannot connect to tcp://both.test:80: the connection was refused (ECONNREFUSED from connect); check the" +
            " address, and that the server is running; all 2 addresses failed: [2001:db8::1]:80: the network is" +
            " unreachable (ENETUNREACH from connect), 192.0.2.1:80: the connection was refused (ECONNREFUSED from connect)"
        )
      })
    ))

  it.effect("connects to each endpoint with its own options, however often one is repeated", () => {
    const dialled: Array<string> = []
    return withNetwork(
      {
        connect: (address, { noDelay }) => {
          dialled.push(`${NetAddress.formatSocketAddress(address)} ${noDelay}`)
          return Effect.succeed(new FakeStream("192.0.2.9:1", "192.0.2.1:80"))
        }
      },
      Effect.gen(function*() {
        const both = ["192.0.2.1:80", "192.0.2.2:80"] as const
        for (const [first, second] of [both, both]) {
          yield* Effect.scoped(Network.connect(first))
          yield* Effect.scoped(Network.connect(first))
          yield* Effect.scoped(Network.connect(first, { noDelay: false }))
          yield* Effect.scoped(Network.connect(first))
          yield* Effect.scoped(Network.connect(second, { noDelay: false }))
          yield* Effect.scoped(Network.connect(second))
        }
        const once = ["192.0.2.1:80 true", "192.0.2.1:80 true", "192.0.2.1:80 false", "192.0.2.1:80 true"]
        const all = [...once, "192.0.2.2:80 false", "192.0.2.2:80 true"]
        expect(dialled).toEqual([...all, ...all])
        const error = yield* Effect.flip(Network.connect(both[0], { connectTimeout: -1 }))
        expect(error.reason._tag).toBe("InvalidOption")
      })
    )
  })

  it.effect("tries only addresses of the family of localAddress", () => {
    const tried: Array<string> = []
    return withNetwork(
      {
        resolver: names("2001:db8::1", "192.0.2.1"),
        connect: (address) => {
          tried.push(NetAddress.formatSocketAddress(address))
          return Effect.succeed(new FakeStream("192.0.2.9:1", "192.0.2.1:80"))
        }
      },
      Effect.gen(function*() {
        yield* Network.connect("both.test:80", { localAddress: "192.0.2.9", closeTimeout: 0 })
        expect(tried).toEqual(["192.0.2.1:80"])
        const error = yield* Effect.flip(Network.connect("192.0.2.1:80", { localAddress: "::1" }))
        expect(error.reason).toMatchObject({ _tag: "AddressFamilyMismatch", socket: "IPv6", address: "192.0.2.1:80" })
      })
    )
  })

  it.effect("waits for room in the backlog of a Unix-domain server, at most connectTimeout", () => {
    let full = true
    let attempts = 0
    const connect = () =>
      Effect.suspend(() => {
        attempts++
        return full
          ? Effect.fail(Transport.systemError({
            operation: "connect",
            address: "unix:///run/app.sock",
            error: { code: "EAGAIN", syscall: "connect" }
          }))
          : Effect.succeed(new FakeStream("127.0.0.1:1", "127.0.0.1:2"))
      })
    return withNetwork(
      { connect },
      Effect.gen(function*() {
        const dial = Network.connect("unix:///run/app.sock", { connectTimeout: "5 seconds", closeTimeout: 0 })
        const late = yield* Effect.forkChild(Effect.flip(dial), { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        expect((yield* Fiber.join(late)).reason).toMatchObject({ _tag: "TimedOut", deadline: "connect", after: 5000 })
        expect(attempts).toBeGreaterThan(40)
        expect(attempts).toBeLessThan(70)
        const waiting = yield* Effect.forkChild(dial, { startImmediately: true })
        yield* TestClock.adjust("1 second")
        full = false
        yield* TestClock.adjust("100 millis")
        expect((yield* Fiber.join(waiting)).id).toBeGreaterThan(0)
      })
    )
  })
})
