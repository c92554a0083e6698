import { describe, expect, it } from "@effect/vitest"
import { Overloaded, RequestFailed } from "@sluice/client/FramedClient"
import { NotConnected } from "@sluice/client/Reconnecting"
import * as Check from "@sluice/conformance/Check"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Connection from "@sluice/core/Connection"
import { OutOfStep } from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Property from "@sluice/core/Property"
import * as Server from "@sluice/core/Server"
import { Overflowed } from "@sluice/core/Subscription"
import * as TlsReason from "@sluice/core/TlsReason"
import * as Transport from "@sluice/core/Transport"
import * as Framing from "@sluice/framing/Framing"
import type * as FramingError from "@sluice/framing/FramingError"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import { NotProxyHeader } from "@sluice/proxy/ProxyProtocolError"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as SimulationError from "@sluice/simulation/SimulationError"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { anchorsOf } from "./links.ts"
import { workspace } from "./snippets.ts"

const page = "docs/errors.md"
const text = readFileSync(join(workspace, page), "utf8")
const headings = anchorsOf(page)

const tcp = "tcp://127.0.0.1:9000"
const peer = "127.0.0.1:50412"
const tls = "tls://example.org:443"
const subject = "CN=example.org"
const date = new Date("2026-01-31T12:00:00Z")
const make = NetworkError.make

const system = (operation: NetworkError.Operation, address: string, code: string, syscall: string, said = code) =>
  Transport.systemError({ operation, address, error: Object.assign(new Error(said), { code, syscall }) })

/** One error for each reason: a reason without one is a type error here. */
const networkErrors: { readonly [Tag in NetworkError.Reason["_tag"]]: NetworkError.NetworkError } = {
  AddressInUse: system("listen", tcp, "EADDRINUSE", "listen"),
  PortsExhausted: Transport.systemError({
    operation: "connect",
    address: tcp,
    error: Object.assign(new Error("no port"), { code: "EADDRNOTAVAIL", syscall: "connect" }),
    anyPort: true
  }),
  AddressFamilyMismatch: make(
    "send",
    "udp://[::1]:9",
    new NetworkError.AddressFamilyMismatch({ socket: "IPv4", address: "[::1]:9" })
  ),
  BacklogFull: system("connect", "unix:///run/app.sock", "EAGAIN", "connect"),
  NameServerFailed: system("resolve", "tcp://db.internal:5432", "EAI_AGAIN", "getaddrinfo"),
  AddressNotAvailable: system("listen", "tcp://192.0.2.1:9000", "EADDRNOTAVAIL", "listen"),
  PermissionDenied: system("listen", "tcp://127.0.0.1:80", "EACCES", "listen"),
  ConnectionRefused: system("connect", tcp, "ECONNREFUSED", "connect"),
  ConnectionReset: system("read", peer, "ECONNRESET", "read"),
  BrokenPipe: make("write", peer, new NetworkError.BrokenPipe()),
  TimedOut: make("connect", "tcp://10.0.0.1:9000", new NetworkError.TimedOut({ deadline: "connect", after: 5000 })),
  HostNotFound: make("resolve", "tcp://db.invalid:5432", new NetworkError.HostNotFound({ host: "db.invalid" })),
  Unreachable: system("connect", "tcp://10.9.8.7:80", "ENETUNREACH", "connect"),
  MessageTooLarge: new NetworkError.NetworkError({
    operation: "send",
    address: "udp://127.0.0.1:9",
    reason: new NetworkError.MessageTooLarge({ size: 70_000 }),
    code: "EMSGSIZE",
    syscall: "send"
  }),
  TooManyOpenFiles: system("accept", tcp, "EMFILE", "accept"),
  NotASocket: new NetworkError.NetworkError({
    operation: "listen",
    address: "unix:///run/app.conf",
    reason: new NetworkError.NotASocket(),
    code: "EADDRINUSE",
    syscall: "listen"
  }),
  PathTooLong: make("listen", "unix:///a/path/beyond/all/measure.sock", new NetworkError.PathTooLong({ limit: 107 })),
  PathNotFound: system("connect", "unix:///run/app.sock", "ENOENT", "connect"),
  InvalidEndpoint: make(
    "parse",
    "localhost",
    new NetworkError.InvalidEndpoint({
      input: "localhost",
      part: "port",
      expected: "a port, as in tcp://127.0.0.1:9000"
    })
  ),
  InvalidOption: make(
    "configure",
    "tcp://127.0.0.1:0",
    new NetworkError.InvalidOption({ option: "maxConnections", value: 0, expected: "a whole number from 1 up" })
  ),
  Closed: make("write", peer, new NetworkError.Closed()),
  Busy: make("read", peer, new NetworkError.Busy()),
  UnexpectedEnd: make("read", peer, new NetworkError.UnexpectedEnd({ received: 3, expected: 5 })),
  BufferBudgetExceeded: make("read", peer, new NetworkError.BufferBudgetExceeded({ budget: 536_870_912 })),
  LimitExceeded: make("read", peer, new NetworkError.LimitExceeded({ limit: 65_536 })),
  InvalidProxyHeader: make(
    "accept",
    peer,
    new NetworkError.InvalidProxyHeader({ fault: new NotProxyHeader({ offset: 0 }) })
  ),
  CertificateExpired: make("secure", tls, new TlsReason.CertificateExpired({ subject, notAfter: date })),
  CertificateNotYetValid: make("secure", tls, new TlsReason.CertificateNotYetValid({ subject, notBefore: date })),
  SelfSignedCertificate: make("secure", tls, new TlsReason.SelfSignedCertificate({ subject })),
  UnknownIssuer: make("secure", tls, new TlsReason.UnknownIssuer({ subject, issuer: "CN=Example Authority" })),
  HostNameMismatch: make(
    "secure",
    tls,
    new TlsReason.HostNameMismatch({ expected: "example.org", names: ["DNS:example.com"] })
  ),
  CertificateRevoked: make("secure", tls, new TlsReason.CertificateRevoked({ subject })),
  CertificateRejected: make(
    "secure",
    tls,
    new TlsReason.CertificateRejected({ subject, code: "INVALID_PURPOSE", why: "unsuitable certificate purpose" })
  ),
  PinMismatch: make("secure", tls, new TlsReason.PinMismatch({ expected: ["12:34"], actual: "AB:CD:EF" })),
  NoCertificate: make("secure", peer, new TlsReason.NoCertificate()),
  UnusableCertificate: make(
    "listen",
    "tls://127.0.0.1:9443",
    new TlsReason.UnusableCertificate({ option: "tls.certificates[0].chain", why: "it has no PEM block" })
  ),
  KeyMismatch: make(
    "listen",
    "tls://127.0.0.1:9443",
    new TlsReason.KeyMismatch({ option: "tls.certificates[0]" })
  ),
  NoSharedProtocol: make("secure", peer, new TlsReason.NoSharedProtocol()),
  NoSharedCipher: make("secure", peer, new TlsReason.NoSharedCipher()),
  NoSharedApplicationProtocol: make(
    "secure",
    peer,
    new TlsReason.NoSharedApplicationProtocol({ supported: ["imap", "smtp"] })
  ),
  NotTls: make("secure", peer, new TlsReason.NotTls()),
  HandshakeCut: make("secure", peer, new TlsReason.HandshakeCut()),
  ProtocolViolation: make(
    "secure",
    peer,
    new TlsReason.ProtocolViolation({ code: "ERR_SSL_BAD_EXTENSION", why: "bad extension" })
  ),
  CorruptRecord: make(
    "read",
    peer,
    new TlsReason.CorruptRecord({ code: "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC" })
  ),
  PeerAlert: make("secure", tls, new TlsReason.PeerAlert({ alert: "certificate_required" })),
  Truncated: make("read", peer, new TlsReason.Truncated()),
  ClearTextBeforeUpgrade: make("secure", peer, new TlsReason.ClearTextBeforeUpgrade({ received: 6 })),
  NoInheritedSocket: make(
    "listen",
    "systemd://web",
    new NetworkError.NoInheritedSocket({ found: ["fd://3 (admin)"] })
  ),
  Unsupported: make("listen", tcp, new NetworkError.Unsupported({ feature: "reusePort" })),
  Other: system("read", peer, "EWHATEVER", "read", "something new")
}

const decodingFails = (framing: Framing.Framing<never, unknown>, bytes: string | Uint8Array) => {
  const chunk = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes
  return Result.getOrThrow(Result.flip(Framing.decodeAll(framing, [chunk])))
}

const framingErrors: { readonly [Tag in FramingError.FramingErrorReason["_tag"]]: FramingError.FramingError } = {
  FrameTooLong: decodingFails(Framing.lengthPrefixed(), "GET / HTTP/1.1"),
  TruncatedFrame: decodingFails(Framing.lines(), "one\ntwo\nthr"),
  CorruptFrame: decodingFails(Framing.netstring(), "GET / HTTP/1.1"),
  InvalidText: decodingFails(Framing.lines(), Uint8Array.of(0xff, 0x0a)),
  InvalidFraming: decodingFails(Framing.fixedLength(0), "")
}

const simulationFails = (
  program: Effect.Effect<unknown, unknown, SimNetwork.SimNetwork | Scope.Scope>,
  options: Simulation.Options = {}
) => Effect.runSync(Effect.flip(Simulation.run(program, options)) as Effect.Effect<Error>)

/** Each side waits for five bytes more than the other one sends. */
const bothRead = Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* Host.serve(
    server,
    Server.layer(
      { listen: "tcp://0.0.0.0:7" },
      (connection) => Effect.withSpan(Connection.readExactly(connection, 10), "read the request")
    )
  )
  yield* Host.run(
    client,
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* Network.connect("server:7")
      yield* Connection.writeText(connection, "hello")
      yield* Effect.withSpan(Connection.read(connection), "read the answer")
    }))
  )
})

const beat = Effect.withSpan(Effect.forever(Effect.sleep("1 minute")), "heartbeat")

const explorationFails = (program: Effect.Effect<void>, eventually: Effect.Effect<void, Error>): Error => {
  const exploring = Simulation.explore(program, { eventually, calm: "1 second", seeds: 1 })
  const { failures } = Effect.runSync(Effect.provideService(exploring, References.MinimumLogLevel, "None"))
  return Effect.runSync(Effect.flip(failures[0]!.exit)) as Error
}

const simulationErrors: { readonly [Tag in SimulationError.SimulationError["_tag"]]: Error } = {
  SimulationDeadlock: simulationFails(bothRead),
  SimulationHostFailed: simulationFails(Effect.gen(function*() {
    const node = yield* SimNetwork.host("node")
    yield* Host.start(node, Effect.andThen(Effect.sleep("1 second"), Effect.fail(new Error("no leader"))))
    yield* Effect.sleep("1 minute")
  })),
  SimulationNotLive: explorationFails(Effect.void, Effect.fail(new Error("no leader"))),
  SimulationPropertyViolated: simulationFails(Property.always("one leader a term", false, { term: 7 })),
  SimulationLimitExceeded: simulationFails(beat, { limit: { time: "1 hour" } }),
  SimulationRefused: new SimulationError.SimulationRefused({
    name: "net.connect",
    caller: "at connect (client.ts:7:3)",
    at: 0
  }),
  SimulationStalled: new SimulationError.SimulationStalled({
    at: 0,
    fibers: [],
    sockets: [],
    calls: [],
    isSynchronous: false,
    operations: [{ name: "fs.read", caller: "at load (config.ts:9:14)" }]
  }),
  SimulationUncaught: new SimulationError.SimulationUncaught({
    host: "server",
    at: 20,
    cause: new Error("no such room")
  })
}

const otherErrors = {
  ProxyProtocolError: Result.getOrThrow(
    Result.flip(ProxyProtocol.decode(new TextEncoder().encode("GET / HTTP/1.1\r\n")))
  ),
  NotConnected: new NotConnected({ state: "Waiting", queued: 0 }),
  OutOfStep: new OutOfStep({ peer: "127.0.0.1:6379" }),
  RequestFailed: new RequestFailed({
    sent: true,
    reason: make("read", "127.0.0.1:6379", new NetworkError.Closed())
  }),
  Overloaded: new Overloaded({ pending: 1024, waiting: 100 }),
  Overflowed: new Overflowed({ subscriber: "#7", capacity: 64 }),
  SimulationUnmet: await Effect.runPromise(
    Effect.flip(Simulation.explore(Property.sometimes("a leader is deposed", false), { seeds: 100 }))
  ),
  SimulationNotDeterministic: Effect.runSync(Effect.suspend(() => {
    let runs = 0
    return Simulation.checkDeterminism(Effect.suspend(() => Effect.sleep(++runs)), { seed: 1 }).pipe(
      Effect.catchTag("SimulationNotDeterministic", (error) =>
        // The path of the page differs from machine to machine.
        Effect.fail(new Simulation.SimulationNotDeterministic({ ...error, report: undefined }))),
      Effect.flip
    )
  })),
  LawViolation: Result.getOrThrow(Result.flip(FramingLaws.roundTrip(
    Framing.make<Uint8Array>({
      decode: (input) => input.length === 0 ? input.need(1) : input.take(input.length, 1),
      encode: (frame, output) => {
        output.byte(frame.length)
        output.write(frame)
      }
    }),
    [Uint8Array.of(1), Uint8Array.of(2)]
  ))),
  ConformanceFailure: new Check.ConformanceFailure({
    law: "B3",
    check: "reading again after the end ends again",
    finding: "the second read failed with ConnectionReset"
  })
}

const all: ReadonlyArray<readonly [string, Error]> = Object.entries({
  ...networkErrors,
  ...framingErrors,
  ...simulationErrors,
  ...otherErrors
})

/** The names of the classes that a module exports and whose values have a tag. */
const classesOf = (module: object): ReadonlyArray<string> =>
  Object.entries(module).flatMap(([name, value]) =>
    typeof value === "function" && value.prototype !== undefined && /^[A-Z]/.test(name) ? [name] : []
  )

describe("the page of errors", () => {
  it.each(all)("explains %s, with its message", (tag, error) => {
    expect(headings).toContain(tag.toLowerCase())
    const shown = text.split("\n").map((line) => line.replace(/^> /, ""))
    // Fibers without a name have the next number of the process.
    const lines = error.message.split("\n").filter((line) => !/^ {2}fiber \d+/.test(line))
    // Said once for all handshakes.
    const without = (line: string) => line.replace(/^cannot set up TLS with \S+: /, "")
    for (const line of lines) expect(shown.map(without)).toContain(without(line))
  })

  it("misses no class of a reason", () => {
    expect([...classesOf(NetworkError), ...classesOf(TlsReason)].toSorted()).toEqual(
      [...Object.keys(networkErrors), "NetworkError"].toSorted()
    )
    expect(classesOf(SimulationError).toSorted()).toEqual(
      [...Object.keys(simulationErrors), "SimulationNotDeterministic", "SimulationUnmet"].toSorted()
    )
  })

  it("misses no error of the libraries", () => {
    const names = globSync("packages/{core,node,simulation,conformance}/src/**/*.ts", { cwd: workspace })
      .flatMap((file) =>
        Array.from(
          readFileSync(join(workspace, file), "utf8").matchAll(/TaggedError\("(\w+)"\)/g),
          ([, name = ""]) => name
        )
      )
    // What a check of the conformance suite sees becomes its failure.
    const inside = ["Finding"]
    expect(names.filter((name) => !inside.includes(name) && !headings.includes(name.toLowerCase()))).toEqual([])
  })

  it("explains every fault of a PROXY header", () => {
    const source = readFileSync(join(workspace, "packages/proxy/src/ProxyProtocolError.ts"), "utf8")
    const faults = Array.from(source.matchAll(/Data\.TaggedClass\("(\w+)"\)/g), ([, name = ""]) => name)
    expect(faults.length).toBeGreaterThan(10)
    expect(faults.filter((fault) => !text.includes(`- \`${fault}\`:`))).toEqual([])
  })

  it("shows samples of the reasons that they are said to be", () => {
    for (const [tag, error] of Object.entries(networkErrors)) expect(error.reason._tag).toBe(tag)
    for (const [tag, error] of Object.entries(framingErrors)) expect(error.reason._tag).toBe(tag)
    for (const [tag, error] of Object.entries({ ...simulationErrors, ...otherErrors })) {
      expect(error).toMatchObject({ _tag: tag })
    }
  })

  it("names every deadline", () => {
    const deadlines: { readonly [D in NetworkError.TimedOut["deadline"]]: true } = {
      connect: true,
      proxyHeader: true,
      handshake: true,
      idle: true,
      read: true,
      write: true,
      heartbeat: true,
      lifetime: true,
      system: true
    }
    for (const deadline of Object.keys(deadlines) as Array<keyof typeof deadlines>) {
      const { message } = new NetworkError.TimedOut({ deadline })
      const row = text.split("\n").find((line) => line.startsWith(`- \`"${deadline}"\``))
      expect(row).toContain(`\`${message}\``)
    }
  })
})
