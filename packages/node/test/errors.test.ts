import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import { deafListener, deafUnixListener } from "./fixtures/deafListener.ts"
import { freePort } from "./fixtures/freePort.ts"

const isLinux = process.platform === "linux"
const isRoot = process.getuid?.() === 0

/** A network that knows these names, and no others. */
const networkWith = (hosts: Record<string, ReadonlyArray<string>>) =>
  NodeNetwork.layerNoResolver.pipe(Layer.provide(NodeAddressResolver.layer), Layer.provide(Dns.layerStatic({ hosts })))

const onNetwork = <A, E>(
  effect: Effect.Effect<A, E, Network.Network | Scope.Scope>,
  hosts: Record<string, ReadonlyArray<string>> = {}
) => Effect.provide(Effect.scoped(effect), networkWith(hosts))

/** Opens a socket of any kind. */
type Opening = Effect.Effect<unknown, NetworkError.NetworkError, Network.Network | Scope.Scope>

/** A folder of its own for each test, removed with everything in it. */
const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

/** Checks the form that every error has, and gives it. */
const errorOf = Effect.fnUntraced(function*<A, R>(
  effect: Effect.Effect<A, NetworkError.NetworkError, R>,
  tag: NetworkError.Reason["_tag"],
  system?: { readonly code: string; readonly syscall: string }
) {
  const error = yield* Effect.flip(effect)
  expect(error.reason._tag).toBe(tag)
  expect({ code: error.code, syscall: error.syscall }).toEqual(system ?? { code: undefined, syscall: undefined })
  expect(error.message).not.toContain("\n")
  expect(error.message).toContain(error.address)
  expect(error.message).toContain(error.reason.message)
  if (system !== undefined) {
    expect(error.message).toContain(`(${system.code} from ${system.syscall})`)
    expect(error.cause).toBeInstanceOf(Error)
  }
  return error
})

const connect = Network.connect

const portOf = (listener: Listener.Listener): number =>
  NetAddress.isUnixPathAddress(listener.address) ? 0 : listener.address.port

const aPort = Effect.promise(freePort)

/** Both ends of a connection; each may be aborted at will. */
const pair = Effect.fnUntraced(function*(endpoint: Endpoint.Input) {
  const listener = yield* Network.listen(endpoint, { closeTimeout: 0 })
  const client = yield* connect(Endpoint.fromAddress(listener.address), { closeTimeout: 0 })
  return { client, server: yield* Listener.accept(listener) }
})

// Where time is virtual, closing in order would wait for it.
const abortAll = (...connections: ReadonlyArray<Connection.Connection>) =>
  Effect.forEach(connections, Connection.abort, { discard: true })

describe("errors of the system", () => {
  it.live("AddressInUse: another socket listens there", () =>
    onNetwork(Effect.gen(function*() {
      const listener = yield* Network.listen("tcp://127.0.0.1:0")
      const taken = Endpoint.fromAddress(listener.address)
      const error = yield* errorOf(Network.listen(taken), "AddressInUse", { code: "EADDRINUSE", syscall: "listen" })
      expect(error.operation).toBe("listen")
      expect(error.address).toBe(Endpoint.format(taken))

      const socket = yield* Network.bind("udp://127.0.0.1:0")
      const bound = `udp://${NetAddress.formatInet(socket.address)}`
      const second = yield* errorOf(Network.bind(bound), "AddressInUse", { code: "EADDRINUSE", syscall: "bind" })
      expect(second.operation).toBe("bind")
      expect(second.address).toBe(bound)
    })))

  it.live("AddressInUse: another connection to the same peer has the local port", () =>
    onNetwork(Effect.gen(function*() {
      const listener = yield* Network.listen("tcp://127.0.0.1:0")
      const again = connect(Endpoint.fromAddress(listener.address), { localPort: yield* aPort })
      yield* again
      expect((yield* Effect.flip(again)).reason._tag).toBe("AddressInUse")
    })))

  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address in it.
  it.live("AddressNotAvailable: the address is another machine's", () =>
    onNetwork(Effect.gen(function*() {
      const system = (syscall: string) => ({ code: "EADDRNOTAVAIL", syscall })
      yield* errorOf(Network.listen("tcp://192.0.2.1:0"), "AddressNotAvailable", system("listen"))
      yield* errorOf(Network.bind("udp://192.0.2.1:0"), "AddressNotAvailable", system("bind"))
      const listener = yield* Network.listen("tcp://127.0.0.1:0")
      const from = connect(Endpoint.fromAddress(listener.address), { localAddress: "192.0.2.1" })
      yield* errorOf(from, "AddressNotAvailable", system("bind"))
    })))

  it.live("ConnectionRefused: nobody listens there", () =>
    onNetwork(Effect.gen(function*() {
      const endpoint = `tcp://127.0.0.1:${yield* aPort}`
      const error = yield* errorOf(connect(endpoint), "ConnectionRefused", { code: "ECONNREFUSED", syscall: "connect" })
      expect(error.message).toBe(
        `cannot connect to ${endpoint}: the connection was refused (ECONNREFUSED from connect);` +
          " check the address, and that the server is running"
      )
    })))

  it.live("ConnectionReset: the peer aborts", () =>
    onNetwork(Effect.gen(function*() {
      const { client, server } = yield* pair("tcp://127.0.0.1:0")
      yield* Connection.abort(server)
      const error = yield* errorOf(Connection.read(client), "ConnectionReset", { code: "ECONNRESET", syscall: "read" })
      expect(error.address).toBe(Connection.formatPeer(client))
    })))

  it.live("BrokenPipe: the peer is gone", () =>
    onNetwork(Effect.gen(function*() {
      const path = Path.join(yield* folder, "a.sock")
      const { client, server } = yield* pair(`unix://${path}`)
      yield* Connection.abort(server)
      yield* Connection.closed(server)
      const writing = Effect.forever(Effect.andThen(Connection.writeText(client, "x"), Effect.yieldNow))
      const error = yield* errorOf(writing, "BrokenPipe", { code: "EPIPE", syscall: "write" })
      expect(error.address).toBe(`unix://${path}`)
    })))

  it.live("MessageTooLarge: a datagram beyond what UDP can carry", () =>
    onNetwork(Effect.gen(function*() {
      const socket = yield* Network.bind("udp://127.0.0.1:0")
      const sending = UdpSocket.send(socket, new Uint8Array(65_508), socket.address)
      const error = yield* errorOf(sending, "MessageTooLarge", { code: "EMSGSIZE", syscall: "send" })
      expect((error.reason as NetworkError.MessageTooLarge).size).toBe(65_508)
    })))

  it.live("PermissionDenied: broadcasting without the option", () =>
    onNetwork(Effect.gen(function*() {
      const socket = yield* Network.bind("udp://0.0.0.0:0")
      const sending = UdpSocket.send(socket, "x", "255.255.255.255:9")
      const error = yield* errorOf(sending, "PermissionDenied", { code: "EACCES", syscall: "send" })
      expect(error.message).toContain("to broadcast, set the option broadcast")
    })))

  // oxlint-disable-next-line vitest/expect-expect -- `errorOf` expects
  it("PermissionDenied: a folder that may not be written to", ({ skip }) => {
    skip(isRoot, "root may write anywhere")
    return Effect.runPromise(onNetwork(Effect.gen(function*() {
      const path = yield* folder
      Fs.chmodSync(path, 0o500)
      const listening = Network.listen(`unix://${path}/a.sock`)
      yield* errorOf(listening, "PermissionDenied", { code: "EACCES", syscall: "listen" })
    })))
  })

  it.live.skipIf(!isLinux)("Unreachable: no TCP to a broadcast address (systems differ)", () =>
    onNetwork(
      errorOf(connect("tcp://255.255.255.255:9"), "Unreachable", { code: "ENETUNREACH", syscall: "connect" })
    ))

  for (const [what, afterwards] of [["name", "success"], ["tls", "TimedOut"]] as const) {
    it.live.skipIf(!isLinux)(
      `TooManyOpenFiles: the first ${what} that is dialed without descriptors (needs ulimit)`,
      () =>
        Effect.gen(function*() {
          const script = fileURLToPath(new URL("fixtures/exhaustedLookup.ts", import.meta.url))
          const command = `ulimit -n 64 && exec "${process.execPath}" "${script}" ${what}`
          const { stdout } = yield* Effect.promise(() => promisify(execFile)("bash", ["-c", command]))
          expect(JSON.parse(stdout)).toEqual({ without: "TooManyOpenFiles", afterwards })
        })
    )
  }

  it.live.skipIf(!isLinux)(
    "TooManyOpenFiles: no descriptors left, and on again once there are (needs ulimit)",
    () =>
      Effect.gen(function*() {
        const script = fileURLToPath(new URL("fixtures/exhaustDescriptors.ts", import.meta.url))
        const command = `ulimit -n 64 && exec "${process.execPath}" "${script}"`
        const { stdout } = yield* Effect.promise(() => promisify(execFile)("sh", ["-c", command]))
        const { echoed, ...error } = JSON.parse(stdout)
        expect(error).toMatchObject({ code: "EMFILE", reason: "TooManyOpenFiles" })
        expect(error.message).not.toContain("\n")
        expect(echoed).toBe("still here")
      })
  )
})

describe("errors of endpoints and options", () => {
  it.live("InvalidEndpoint: names the part that is wrong, before anything is opened", () =>
    onNetwork(Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [Opening, NetworkError.InvalidEndpoint["part"]]> = [
        [connect("127.0.0.1"), "port"],
        [connect("tcp://127.0.0.1:65536"), "port"],
        [connect("tcp://[::1:80"), "host"],
        [connect("ftp://127.0.0.1:21"), "scheme"],
        [connect("udp://127.0.0.1:53"), "scheme"],
        [Network.listen("unix://relative/path"), "path"],
        [Network.listen("udp://127.0.0.1:53"), "scheme"],
        [Network.bind("tcp://127.0.0.1:53"), "scheme"],
        [Network.bind("udp://127.0.0.1:0", { peer: "unix:///tmp/a" }), "scheme"]
      ]
      for (const [opening, part] of cases) {
        const error = yield* Effect.flip(opening)
        const reason = error.reason as NetworkError.InvalidEndpoint
        expect(reason._tag).toBe("InvalidEndpoint")
        expect(reason.part).toBe(part)
        expect(error.message).toContain(`use ${reason.expected}`)
        expect(error.message).not.toContain("\n")
      }
    })))

  it.live("InvalidOption: names the option and what would be right", () =>
    onNetwork(Effect.gen(function*() {
      const tcp = "tcp://127.0.0.1:0"
      const udp = "udp://127.0.0.1:0"
      const cases: ReadonlyArray<readonly [string, Opening]> = [
        ["connectTimeout", connect(tcp, { connectTimeout: 0 })],
        ["attemptDelay", connect(tcp, { attemptDelay: -1 })],
        ["localAddress", connect(tcp, { localAddress: "nowhere" })],
        ["localPort", connect(tcp, { localPort: 65_536 })],
        ["keepAlive", connect(tcp, { keepAlive: "1 millis" })],
        ["closeTimeout", Network.listen(tcp, { closeTimeout: "soon" as never })],
        ["backlog", Network.listen(tcp, { backlog: 0 })],
        ["ttl", Network.bind(udp, { ttl: 256 })],
        ["multicastTtl", Network.bind(udp, { multicastTtl: -1 })],
        ["receiveBufferSize", Network.bind(udp, { receiveBufferSize: 1.5 })],
        ["queueCapacity", Network.bind(udp, { queueCapacity: 0 })],
        ["queueOverflow", Network.bind(udp, { queueOverflow: "burst" as never })]
      ]
      for (const [option, opening] of cases) {
        const error = yield* errorOf(opening, "InvalidOption")
        const reason = error.reason as NetworkError.InvalidOption
        expect(reason.option).toBe(option)
        expect(error.message).toContain(option)
        expect(error.message).toContain(`expected ${reason.expected}`)
      }
    })))

  it.live("InvalidOption: a number without a highest value is at least the least", () =>
    onNetwork(Effect.gen(function*() {
      const serving = Server.make({ listen: "tcp://127.0.0.1:0", maxConnections: 0 }, () => Effect.void)
      const error = yield* errorOf(serving, "InvalidOption")
      expect(error.message).toBe(
        "cannot set up tcp://127.0.0.1:0: the option maxConnections cannot be 0; expected a whole number from 1 up"
      )
    })))

  it.live("InvalidOption: a group to join that is none", () =>
    onNetwork(Effect.gen(function*() {
      const socket = yield* Network.bind("udp://127.0.0.1:0")
      yield* errorOf(UdpSocket.join(socket, { group: "127.0.0.1" }), "InvalidOption")
      const source = { group: "232.1.1.1", source: "nobody" as never }
      yield* errorOf(UdpSocket.join(socket, source), "InvalidOption")
    })))

  it.live("AddressNotAvailable: an interface that is not there", () =>
    onNetwork(Effect.gen(function*() {
      const socket = yield* Network.bind("udp://0.0.0.0:0")
      const joining = UdpSocket.join(socket, { group: "239.1.2.3", interface: "192.0.2.1" })
      const error = yield* Effect.flip(joining)
      expect(["AddressNotAvailable", "Other"]).toContain(error.reason._tag)
      expect(error.operation).toBe("join")
      expect(error.code).toBe("ENODEV")
    })))

  it.live("Closed: this side closed it", () =>
    onNetwork(Effect.gen(function*() {
      const { client } = yield* pair("tcp://127.0.0.1:0")
      yield* Connection.abort(client)
      expect((yield* errorOf(Connection.read(client), "Closed")).operation).toBe("read")
      expect((yield* errorOf(Connection.writeText(client, "x"), "Closed")).operation).toBe("write")
      const listener = yield* Effect.scoped(Network.listen("tcp://127.0.0.1:0"))
      yield* errorOf(Listener.accept(listener), "Closed")
      const socket = yield* Effect.scoped(Network.bind("udp://127.0.0.1:0"))
      expect((yield* errorOf(UdpSocket.receive(socket), "Closed")).operation).toBe("receive")
      expect((yield* errorOf(UdpSocket.send(socket, "x", "127.0.0.1:9"), "Closed")).operation).toBe("send")
    })))
})

describe("Unix-domain paths", () => {
  it.live("PathTooLong: says how long it may be", () =>
    onNetwork(Effect.gen(function*() {
      const path = `${yield* folder}/${"long".repeat(30)}`
      const openings: ReadonlyArray<Opening> = [Network.listen(`unix://${path}`), connect(`unix://${path}`)]
      for (const opening of openings) {
        const error = yield* errorOf(opening, "PathTooLong")
        expect((error.reason as NetworkError.PathTooLong).limit).toBe(isLinux ? 107 : 103)
      }
      expect(Fs.readdirSync(Path.dirname(path))).toEqual([])
    })))

  it.live.skipIf(!isLinux)(
    "a full backlog is waited for, at most connectTimeout, as on TCP",
    () =>
      onNetwork(Effect.gen(function*() {
        const path = `${yield* folder}/a.sock`
        const deaf = yield* deafUnixListener(path)
        const late = yield* Effect.flip(connect(`unix://${path}`, { connectTimeout: "200 millis" }))
        expect(late.reason).toMatchObject({ _tag: "TimedOut", deadline: "connect", after: 200 })
        const waiting = yield* Effect.forkChild(connect(`unix://${path}`, { connectTimeout: "20 seconds" }), {
          startImmediately: true
        })
        yield* deaf.accept
        expect((yield* Fiber.join(waiting)).id).toBeGreaterThan(0)
      }))
  )

  it.live("PathNotFound: no such file to connect to, no such folder to listen in", () =>
    onNetwork(Effect.gen(function*() {
      const path = `${yield* folder}/nowhere`
      yield* errorOf(connect(`unix://${path}`), "PathNotFound", { code: "ENOENT", syscall: "connect" })
      const error = yield* Effect.flip(Network.listen(`unix://${path}/a.sock`))
      expect(error.reason._tag).toBe("PathNotFound")
      expect(error.message).not.toContain("\n")
    })))

  it.live("NotASocket: a foreign file is left alone", () =>
    onNetwork(Effect.gen(function*() {
      const path = `${yield* folder}/precious`
      Fs.writeFileSync(path, "data")
      const error = yield* Effect.flip(Network.listen(`unix://${path}`))
      expect(error.reason._tag).toBe("NotASocket")
      expect(error.address).toBe(`unix://${path}`)
      expect(Fs.readFileSync(path, "utf8")).toBe("data")
      const directory = yield* Effect.flip(Network.listen(`unix://${Path.dirname(path)}`))
      expect(directory.reason._tag).toBe("NotASocket")
    })))

  it.live("AddressInUse: a path on which another socket listens is not taken over", () =>
    onNetwork(Effect.gen(function*() {
      const endpoint = `unix://${yield* folder}/a.sock`
      const first = yield* Network.listen(endpoint)
      yield* errorOf(Network.listen(endpoint), "AddressInUse", { code: "EADDRINUSE", syscall: "listen" })
      // The question whether a listener is there came as a connection, which ended at once.
      const asked = yield* Listener.accept(first)
      expect((yield* Connection.readAll(asked)).length).toBe(0)
      const client = yield* connect(endpoint, { closeTimeout: 0 })
      const server = yield* Listener.accept(first)
      yield* Connection.writeText(client, "x")
      expect((yield* Connection.readExactly(server, 1)).length).toBe(1)
    })))

  it.live("a socket file that nobody listens on any more is taken over", () =>
    onNetwork(Effect.gen(function*() {
      const path = `${yield* folder}/a.sock`
      // As a crash leaves it: the listener closes, but does not find its file.
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Network.listen(`unix://${path}.before`)
        Fs.renameSync(`${path}.before`, path)
      }))
      expect(Fs.statSync(path).isSocket()).toBe(true)
      yield* errorOf(connect(`unix://${path}`), "ConnectionRefused", { code: "ECONNREFUSED", syscall: "connect" })
      yield* Effect.scoped(Effect.gen(function*() {
        const { client, server } = yield* pair(`unix://${path}`)
        yield* Connection.writeText(client, "x")
        expect((yield* Connection.readExactly(server, 1)).length).toBe(1)
      }))
      expect(Fs.existsSync(path)).toBe(false)
    })))

  it.live("a listener removes its file when it closes", () =>
    onNetwork(Effect.gen(function*() {
      const path = `${yield* folder}/a.sock`
      for (const ending of [Effect.void, Effect.fail("failed"), Effect.die("died"), Effect.interrupt]) {
        const listening = Effect.andThen(
          Network.listen(`unix://${path}`),
          Effect.sync(() => Fs.statSync(path).isSocket())
        )
        yield* Effect.exit(Effect.scoped(Effect.andThen(listening, ending)))
        expect(Fs.existsSync(path)).toBe(false)
      }
    })))
})

describe("names", () => {
  it.live("are looked up by the resolver that is given", () =>
    onNetwork(
      Effect.gen(function*() {
        const listener = yield* Network.listen("tcp://my.test:0")
        const client = yield* connect(`tcp://my.test:${portOf(listener)}`, { closeTimeout: 0 })
        expect(NetAddress.formatSocketAddress(client.remoteAddress)).toBe(`127.0.0.1:${portOf(listener)}`)
        const socket = yield* Network.bind("udp://my.test:0")
        expect(NetAddress.formatHost(socket.address)).toBe("127.0.0.1")
      }),
      { "my.test": ["127.0.0.1"] }
    ))

  it.live("HostNotFound: a name without an address", () =>
    onNetwork(Effect.gen(function*() {
      const error = yield* Effect.flip(connect("tcp://nowhere.test:80"))
      expect(error.reason._tag).toBe("HostNotFound")
      expect((error.reason as NetworkError.HostNotFound).host).toBe("nowhere.test")
      expect(error.operation).toBe("resolve")
      expect(error.message).toContain("nowhere.test")
      expect(error.message).not.toContain("\n")
      const listening = yield* Effect.flip(Network.listen("tcp://nowhere.test:0"))
      expect(listening.reason._tag).toBe("HostNotFound")
      const binding = yield* Effect.flip(Network.bind("udp://nowhere.test:0"))
      expect(binding.reason._tag).toBe("HostNotFound")
    })))

  it.effect("TimedOut: looking up counts as connecting", () => {
    const silent = Layer.succeed(AddressResolver.AddressResolver, { resolve: () => Effect.never } as never)
    return Effect.gen(function*() {
      const connecting = yield* Effect.forkChild(
        Effect.flip(connect("tcp://slow.test:80", { connectTimeout: "5 seconds" })),
        {
          startImmediately: true
        }
      )
      yield* TestClock.adjust("4999 millis")
      expect(connecting.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(connecting)
      expect(error.reason).toMatchObject({ _tag: "TimedOut", deadline: "connect", after: 5000 })
      expect(error.message).toContain("tcp://slow.test:80")
      expect(error.message).toContain("within 5000 ms")
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(NodeNetwork.layerNoResolver, silent)))
  })

  it.effect.skipIf(!isLinux)(
    "TimedOut: nobody answers (needs a full backlog that is silent, as on Linux)",
    () =>
      onNetwork(Effect.gen(function*() {
        const port = yield* deafListener("127.0.0.1")
        const connecting = yield* Effect.forkChild(
          Effect.flip(connect(`tcp://127.0.0.1:${port}`, { connectTimeout: "5 seconds" })),
          { startImmediately: true }
        )
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(connecting)
        expect(error.reason).toMatchObject({ _tag: "TimedOut", deadline: "connect", after: 5000 })
      }))
  )
})

it.live("a resolver further in is asked, and not one further out", () => {
  const resolvingTo = (address: string) => {
    const resolved = Effect.succeed([NetAddress.inetAddressFromStringUnsafe(`${address}:1`)])
    const resolver = Layer.succeed(AddressResolver.AddressResolver, { resolve: () => resolved } as never)
    return Layer.provide(NodeNetwork.layerNoResolver, resolver)
  }
  const failing = Effect.map(Effect.flip(Effect.scoped(connect("tcp://name.test:1"))), ({ message }) => message)
  return Effect.gen(function*() {
    expect(yield* failing).toContain("127.0.0.1:1")
    expect(yield* Effect.provide(failing, resolvingTo("127.0.0.2"))).toContain("127.0.0.2:1")
    expect(yield* Effect.provide(failing, resolvingTo("127.0.0.3"))).toContain("127.0.0.3:1")
  }).pipe(Effect.provide(resolvingTo("127.0.0.1")))
})

describe("happy eyeballs", () => {
  const hosts = { "both.test": ["127.0.0.1", "::1"] }

  it.effect("the first address refuses: the second wins, without waiting", () =>
    onNetwork(
      Effect.gen(function*() {
        const listener = yield* Network.listen(`tcp://[::1]:${yield* aPort}`)
        const client = yield* connect(`tcp://both.test:${portOf(listener)}`, { closeTimeout: 0 })
        expect(NetAddress.formatSocketAddress(client.remoteAddress)).toBe(`[::1]:${portOf(listener)}`)
        const server = yield* Listener.accept(listener)
        yield* Connection.writeText(server, "x")
        expect((yield* Connection.readExactly(client, 1)).length).toBe(1)
        yield* abortAll(client, server)
      }),
      hosts
    ))

  it.effect("the first address answers: the second is not tried", () =>
    onNetwork(
      Effect.gen(function*() {
        const first = yield* Network.listen(`tcp://127.0.0.1:${yield* aPort}`)
        const second = yield* Network.listen(`tcp://[::1]:${portOf(first)}`)
        const client = yield* connect(`tcp://both.test:${portOf(first)}`, { closeTimeout: 0 })
        expect(NetAddress.isInetAddressV4(client.remoteAddress)).toBe(true)
        // The first that the second listener hears of is this one.
        const direct = yield* connect(Endpoint.fromAddress(second.address), { closeTimeout: 0 })
        const accepted = yield* Listener.accept(second)
        expect(accepted.remoteAddress).toEqual(direct.localAddress)
        yield* abortAll(client, direct, accepted)
      }),
      hosts
    ))

  it.effect.skipIf(!isLinux)(
    "the first address is silent: the second is tried after attemptDelay, and wins",
    () =>
      onNetwork(
        Effect.gen(function*() {
          const port = yield* deafListener("127.0.0.1", yield* aPort)
          const listener = yield* Network.listen(`tcp://[::1]:${port}`)
          const connecting = yield* Effect.forkScoped(
            connect(`tcp://both.test:${port}`, { attemptDelay: "250 millis", closeTimeout: 0 }),
            { startImmediately: true }
          )
          yield* TestClock.adjust("249 millis")
          // The first that the second listener hears of is this one, and not yet the other.
          const direct = yield* connect(Endpoint.fromAddress(listener.address), { closeTimeout: 0 })
          const accepted = yield* Listener.accept(listener)
          expect(accepted.remoteAddress).toEqual(direct.localAddress)
          expect(connecting.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust("1 millis")
          const client = yield* Fiber.join(connecting)
          expect(NetAddress.formatSocketAddress(client.remoteAddress)).toBe(`[::1]:${port}`)
          const server = yield* Listener.accept(listener)
          expect(server.remoteAddress).toEqual(client.localAddress)
          yield* abortAll(direct, accepted, client, server)
        }),
        hosts
      )
  )

  it.effect("no address answers: the error has that of each", () =>
    onNetwork(
      Effect.gen(function*() {
        const port = yield* aPort
        const error = yield* errorOf(connect(`tcp://both.test:${port}`), "ConnectionRefused", {
          code: "ECONNREFUSED",
          syscall: "connect"
        })
        expect(error.address).toBe(`tcp://both.test:${port}`)
        expect(error.attempts?.map((each) => each.address)).toEqual([`tcp://127.0.0.1:${port}`, `tcp://[::1]:${port}`])
        expect(error.message).toContain(`127.0.0.1:${port}: the connection was refused (ECONNREFUSED from connect)`)
        expect(error.message).toContain(`[::1]:${port}: `)
      }),
      hosts
    ))
})
