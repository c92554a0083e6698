import { assert, describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as ServerLog from "@sluice/core/ServerLog"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as Random from "effect/Random"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)

const served = (
  options: Omit<Server.Options, "listen">,
  handler: Server.Handler<unknown, Scope.Scope> = echo
) =>
  Effect.gen(function*() {
    const [host, clients] = yield* SimNetwork.hosts("server", "clients")
    yield* SimNetwork.link(host, clients, { latency: "1 millis" })
    const server = yield* Effect.provide(
      Server.make({ listen: "tcp://0.0.0.0:7", closeTimeout: "1 second", ...options }, handler),
      Host.layer(host)
    )
    const dial = Effect.provide(Network.connect("server:7"), Host.layer(clients)).pipe(
      Effect.tap(Effect.sleep("5 millis"))
    )
    return { server, dial, host, clients }
  })

/** All that is heard from now on. */
const heard = (server: Server.Server) => Effect.forkChild(Stream.runCollect(server.events), { startImmediately: true })

const tags = (events: ReadonlyArray<ServerEvent.ServerEvent>) => events.map(({ _tag }) => _tag)

const ofTag = <Tag extends ServerEvent.Tag>(events: ReadonlyArray<ServerEvent.ServerEvent>, tag: Tag) =>
  events.filter((event): event is Extract<ServerEvent.ServerEvent, { readonly _tag: Tag }> => event._tag === tag)

describe("Server.events", () => {
  VitestSimulation.it(
    "keep what they say, whatever is annotated later",
    Effect.gen(function*() {
      const { dial, server } = yield* served({}, () =>
        Effect.andThen(
          Server.annotate("early", true),
          Effect.forkDetach(Effect.andThen(Effect.sleep("1 second"), Server.annotate("late", true)))
        ))
      const hearing = yield* heard(server)
      yield* dial
      yield* Effect.sleep("1 minute")
      yield* server.drain
      const [closed] = ofTag(yield* Fiber.join(hearing), "Closed")
      expect(Array.from(closed!.annotations)).toEqual([["early", true]])
    })
  )

  VitestSimulation.it(
    "tell the life of a server, with Drained as the last",
    Effect.gen(function*() {
      const { dial, server } = yield* served(
        {},
        (connection) => Effect.andThen(Server.annotate("kind", "echo"), echo(connection))
      )
      const hearing = yield* heard(server)
      const client = yield* dial
      yield* Connection.writeText(client, "hello")
      yield* Connection.readExactly(client, 5)
      yield* Effect.sleep("1 minute")
      yield* server.suspend
      yield* server.resume
      yield* Connection.end(client)
      yield* Effect.sleep("1 second")
      yield* server.drain
      const events = yield* Fiber.join(hearing)
      expect(tags(events)).toEqual(["Listening", "Accepted", "Suspended", "Resumed", "Closed", "Draining", "Drained"])
      for (const { listening } of events) expect(listening).toEqual(server.address)
      const [accepted] = ofTag(events, "Accepted")
      const [closed] = ofTag(events, "Closed")
      expect(accepted!.remoteAddress).toEqual(client.localAddress)
      expect(closed).toMatchObject({
        id: accepted!.id,
        remoteAddress: client.localAddress,
        reason: "ended",
        error: undefined,
        bytesIn: 5,
        bytesOut: 5
      })
      expect(closed!.at - accepted!.at).toBe(Duration.toMillis(closed!.duration))
      expect(Math.round(Duration.toSeconds(closed!.duration))).toBe(60)
      expect(Array.from(closed!.annotations)).toEqual([["kind", "echo"]])
      expect(ofTag(events, "Draining")[0]!.open).toBe(0)
      expect(ofTag(events, "Drained")[0]).toMatchObject({ ended: 0, cut: 0 })
    }),
    { seeds: 5 }
  )

  const reasons: Record<ServerEvent.CloseReason, {
    readonly options?: Omit<Server.Options, "listen">
    readonly handler?: Server.Handler<unknown, Scope.Scope>
    readonly act?: (
      server: Server.Server,
      client: Connection.Connection,
      id: number
    ) => Effect.Effect<unknown, unknown>
  }> = {
    ended: { handler: () => Effect.void },
    handlerFailed: { handler: () => Effect.fail("no") },
    aborted: { handler: (connection) => Connection.abort(connection) },
    broken: { act: (_, client) => Connection.abort(client) },
    closed: { act: (server, _, id) => server.close(id) },
    idle: { options: { drain: { grace: "1 hour", idle: "1 second" } }, act: (server) => server.drain },
    cut: { options: { drain: 0 }, act: (server) => server.drain }
  }
  for (const [reason, { handler, options = {}, act }] of Object.entries(reasons)) {
    VitestSimulation.it(
      `say why a connection was closed: ${reason}`,
      Effect.gen(function*() {
        const { dial, server } = yield* served(options, handler)
        const hearing = yield* heard(server)
        const client = yield* dial
        if (act !== undefined) {
          const [open] = yield* server.connections
          yield* act(server, client, open!.id)
        }
        yield* Effect.sleep("5 seconds")
        yield* server.drain
        const events = yield* Fiber.join(hearing)
        const [closed] = ofTag(events, "Closed")
        expect(closed!.reason).toBe(reason)
        expect(closed!.error?.reason._tag).toBe(reason === "broken" ? "ConnectionReset" : undefined)
        expect(ofTag(events, "HandlerFailed").map(({ id }) => id)).toEqual(
          reason === "handlerFailed" || reason === "broken" ? [closed!.id] : []
        )
      }),
      { seeds: 3 }
    )
  }

  VitestSimulation.it(
    "name the first who asked for a connection's end",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ drain: 0 }, () => Effect.uninterruptible(Effect.sleep("5 seconds")))
      const hearing = yield* heard(server)
      yield* dial
      const [open] = yield* server.connections
      yield* server.close(open!.id)
      yield* server.drain
      expect(ofTag(yield* Fiber.join(hearing), "Closed")[0]!.reason).toBe("closed")
    })
  )

  VitestSimulation.it(
    "say who was refused, and why",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ maxConnections: 1, whenFull: "refuse", backlog: 1 })
      const hearing = yield* heard(server)
      yield* dial
      const full = yield* dial
      yield* server.update({ maxConnections: 2, maxConnectionsPerAddress: 1 })
      yield* dial
      yield* server.update({ maxConnectionsPerAddress: undefined, acceptRatePerAddress: { perSecond: 1e-6, burst: 1 } })
      yield* dial
      yield* dial
      yield* server.update({ acceptRatePerAddress: undefined, acceptRate: { perSecond: 1e-6, burst: 1 } })
      yield* server.update({ maxConnections: 3 })
      yield* dial
      yield* dial
      yield* server.update({ acceptRate: undefined, deny: ["0.0.0.0/0"] })
      yield* dial
      yield* server.update({ deny: undefined, allow: [] })
      yield* dial
      yield* server.update({ allow: undefined })
      yield* server.suspend
      yield* dial
      yield* dial
      yield* server.drain
      const events = yield* Fiber.join(hearing)
      const refused = ofTag(events, "Refused")
      expect(refused[0]!.remoteAddress).toEqual(full.localAddress)
      expect(refused.map(({ why }) => why)).toEqual([
        "maxConnections",
        "maxConnectionsPerAddress",
        "acceptRatePerAddress",
        "acceptRate",
        "deny",
        "allow",
        "backlog",
        "closing"
      ])
      expect(ofTag(events, "Accepted").length).toBe(3)
    }).pipe(Effect.provideService(ServerLog.CurrentServerLog, ServerLog.silent))
  )

  VitestSimulation.it(
    "begin with the current state, for late subscribers",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ drain: 0 })
      const gone = yield* dial
      yield* dial
      yield* Connection.end(gone)
      yield* Effect.sleep("1 second")
      yield* server.suspend
      const meanwhile = yield* Stream.runCollect(Stream.take(server.events, 3))
      yield* server.resume
      expect(tags(meanwhile)).toEqual(["Listening", "Accepted", "Suspended"])
      const [open] = yield* server.connections
      const hearing = yield* heard(server)
      yield* Effect.sleep("1 second")
      yield* server.drain
      const events = yield* Fiber.join(hearing)
      expect(tags(events)).toEqual(["Listening", "Accepted", "Draining", "Closed", "Drained"])
      expect(ofTag(events, "Accepted")[0]).toMatchObject({ id: open!.id, at: open!.since })
      expect(ofTag(events, "Closed")[0]!.id).toBe(open!.id)
      // And nothing for a subscriber that comes too late.
      expect(yield* Stream.runCollect(server.events)).toEqual([])
    })
  )

  VitestSimulation.it(
    "wait for a slow listener up to a bound; what it loses is counted in its place, and nobody else waits or loses",
    Effect.gen(function*() {
      const registry = new Map()
      const { dial, server } = yield* Effect.provideService(served({}), Metric.MetricRegistry, registry)
      const awake = yield* Latch.make()
      const slow = yield* server.events.pipe(
        Stream.mapEffect((event) => Effect.as(awake.await, event)),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const quick = yield* heard(server)
      // A subscriber that has heard enough misses nothing.
      yield* Stream.runDrain(Stream.take(server.events, 1))
      const rounds = 700
      const visit = Effect.scoped(
        Effect.flatMap(dial, (client) => Effect.andThen(Connection.end(client), Connection.readAll(client)))
      )
      for (let round = 0; round < rounds; round++) yield* visit
      yield* Effect.sleep("1 second")
      const lost = Effect.map(
        Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry),
        (all) => all.find(({ id }) => id === "sluice_server_events_lost")?.state
      )
      const missing = yield* lost
      yield* awake.open
      yield* Effect.sleep("1 second")
      yield* visit
      yield* Effect.sleep("1 second")
      yield* server.drain
      const all = yield* Fiber.join(quick)
      const some = yield* Fiber.join(slow)
      expect(ofTag(all, "Accepted").length).toBe(rounds + 1)
      expect(ofTag(all, "Closed").length).toBe(rounds + 1)
      expect(ofTag(all, "EventsLost")).toEqual([])
      const [gap] = ofTag(some, "EventsLost")
      expect(ofTag(some, "EventsLost").length).toBe(1)
      expect(some.length - 1 + gap!.count).toBe(all.length)
      expect(missing).toMatchObject({ count: gap!.count })
      expect(gap!.count).toBeGreaterThan(300)
      // What is lost is one piece: all before the gap, and all behind it.
      const at = some.indexOf(gap!)
      expect(some.slice(0, at)).toEqual(all.slice(0, at))
      expect(some.slice(at + 1)).toEqual(all.slice(at + gap!.count))
      expect(tags(some).slice(at)).toEqual(["EventsLost", "Accepted", "Closed", "Draining", "Drained"])
    }).pipe(Effect.provideService(ServerLog.CurrentServerLog, ServerLog.silent)),
    { limit: { steps: 10_000_000 } }
  )

  VitestSimulation.it(
    "have their last for a listener that is full, and say before it what was lost",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ deny: ["0.0.0.0/0"] })
      const awake = yield* Latch.make()
      const slow = yield* server.events.pipe(
        Stream.mapEffect((event) => Effect.as(awake.await, event)),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      for (let round = 0; round < 1100; round++) yield* Effect.scoped(dial)
      yield* server.drain
      yield* awake.open
      const events = yield* Fiber.join(slow)
      expect(tags(events).slice(-2)).toEqual(["EventsLost", "Drained"])
      expect(ofTag(events, "Refused").length + ofTag(events, "EventsLost")[0]!.count).toBe(1100 + 1)
    }).pipe(Effect.provideService(ServerLog.CurrentServerLog, ServerLog.silent))
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// One end for every beginning
// ---------------------------------------------------------------------------------------------------------------------

const pick = <A>(choices: ReadonlyArray<A>) =>
  Effect.map(Random.nextIntBetween(0, choices.length), (index) => choices[Math.min(index, choices.length - 1)]!)

const pause = Effect.flatMap(Random.nextIntBetween(0, 200), (millis) => Effect.sleep(Duration.millis(millis)))

const behaviors: ReadonlyArray<Server.Handler<unknown, Scope.Scope>> = [
  echo,
  () => Effect.void,
  () => Effect.never,
  () => Effect.die("out of cheese"),
  () => Effect.fail("no"),
  () => Effect.interrupt,
  () => pause,
  (connection) => Connection.abort(connection),
  (connection) => Connection.readAll(connection),
  (connection) => Effect.forever(Connection.write(connection, new Uint8Array(10_000))),
  (connection) => Effect.andThen(pause, Connection.writeText(connection, "late")),
  () => Effect.addFinalizer(() => Effect.die("finally")),
  () => Effect.andThen(Effect.addFinalizer(() => pause), Effect.never),
  () => Effect.uninterruptible(pause)
]

const client = Effect.fnUntraced(function*(dial: Effect.Effect<Connection.Connection, unknown, Scope.Scope>) {
  yield* pause
  const connection = yield* dial
  for (let step = 0; step < 3; step++) {
    const act = yield* pick<() => Effect.Effect<unknown, unknown>>([
      () => pause,
      () => Connection.writeText(connection, "something"),
      () => Effect.timeoutOption(Connection.read(connection), "100 millis"),
      () => Connection.end(connection),
      () => Connection.abort(connection)
    ])
    yield* act()
  }
})

const operator = Effect.fnUntraced(function*(server: Server.Server) {
  for (let step = 0; step < 10; step++) {
    yield* pause
    const open = yield* server.connections
    const act = yield* pick<() => Effect.Effect<unknown, unknown>>([
      () => server.suspend,
      () => server.resume,
      () => server.close(open[0]?.id ?? 0),
      () => server.update({ maxConnections: 2 }),
      () => server.update({ maxConnections: 5, whenFull: "refuse" }),
      () => server.update({ idleTimeout: "100 millis" }),
      () => server.update({ maxConnectionsPerAddress: 4, idleTimeout: undefined }),
      () => server.update({ acceptRate: { perSecond: 20, burst: 5 } })
    ])
    yield* act()
  }
})

/** What no listener may ever hear. */
const disorder = (events: ReadonlyArray<ServerEvent.ServerEvent>): string | undefined => {
  const open = new Set<number>()
  const seen = new Set<number>()
  for (const [index, event] of events.entries()) {
    switch (event._tag) {
      case "Listening":
        if (index !== 0) return "Listening is not the first"
        break
      case "Accepted":
        if (seen.has(event.id)) return `connection ${event.id} begins twice`
        seen.add(event.id)
        open.add(event.id)
        break
      case "HandlerFailed":
        if (!open.has(event.id)) return `connection ${event.id} fails while it is not open`
        break
      case "Closed":
        if (!open.delete(event.id)) return `connection ${event.id} ends without a beginning, or twice`
        break
      case "Drained":
        if (index !== events.length - 1) return "Drained is not the last"
    }
  }
  if (open.size > 0) return `${open.size} connections have no end`
  return events.at(-1)?._tag === "Drained" ? undefined : "Drained is missing"
}

describe("exactly one end for every beginning", () => {
  VitestSimulation.it(
    "whatever clients, handlers and operators do",
    Effect.gen(function*() {
      const registry = new Map()
      const { clients, dial, host, server } = yield* served(
        { maxConnections: 4, drain: "300 millis" },
        (connection) => Effect.flatMap(pick(behaviors), (behave) => behave(connection))
      ).pipe(Effect.provideService(Metric.MetricRegistry, registry))
      const first = yield* heard(server)
      yield* Effect.forkChild(Effect.exit(operator(server)))
      const visits = yield* Effect.forEach(
        Array.from({ length: 15 }),
        () => Effect.forkChild(Effect.exit(Effect.scoped(Effect.timeout(client(dial), "2 seconds"))))
      )
      yield* pause
      const second = yield* heard(server)
      if (yield* Random.nextBoolean) {
        yield* Effect.scoped(Effect.andThen(Fault.partition(host, clients), pause))
      }
      yield* pause
      yield* pause
      const { cut, ended } = yield* server.drain
      for (const visit of visits) yield* Fiber.join(visit)
      const snapshot = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      const count = (id: string) =>
        snapshot.filter((metric) => metric.id === id)
          .reduce((sum, { state }) => sum + Number((state as { readonly count: number }).count), 0)
      for (const [index, fiber] of [first, second].entries()) {
        const events = yield* Fiber.join(fiber)
        assert.isUndefined(disorder(events))
        expect(ofTag(events, "Drained")[0]).toMatchObject({ ended, cut })
        if (index > 0) continue
        expect(ofTag(events, "Accepted").length).toBe(count("sluice_connections_accepted"))
        expect(ofTag(events, "Refused").length).toBe(count("sluice_connections_refused"))
        const drained = events.slice(events.findIndex(({ _tag }) => _tag === "Draining"))
        expect(ofTag(drained, "Closed").length).toBe(ended + cut)
        expect(ofTag(drained, "Draining")[0]!.open).toBe(ended + cut)
        expect(ofTag(events, "Closed").filter(({ reason }) => reason === "cut").length).toBeLessThanOrEqual(cut)
      }
      expect(count("sluice_connections_drained")).toBe(ended + cut)
    }).pipe(Effect.provideService(ServerLog.CurrentServerLog, ServerLog.silent)),
    { seeds: process.env["SLUICE_SCALE"] === "full" ? 150 : 50 }
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Logs
// ---------------------------------------------------------------------------------------------------------------------

/** The log lines of a server that sees one client end, one handler fail and one die, and then drains. */
const logOf = Effect.fnUntraced(function*(log: ServerLog.ServerLog | undefined) {
  const lines: Array<string> = []
  const logger = Logger.make(({ cause, fiber, logLevel, message }) => {
    const { listening, peer, ...rest } = fiber.getRef(References.CurrentLogAnnotations)
    const more = [peer === undefined ? "" : " peer", listening === undefined ? "" : " listening"].join("")
    const said = Array.isArray(message) ? message.join(" ") : String(message)
    const dead = cause.reasons.some(({ _tag }) => _tag === "Die") ? " died" : ""
    lines.push(`${logLevel} ${said}${dead}${more}${Object.entries(rest).map(([key, value]) => ` ${key}=${value}`)}`)
  })
  const handlers: Array<Server.Handler<Error, never>> = [
    () => Effect.andThen(Server.annotate("who", "Ada"), Effect.void),
    () => Effect.fail(new Error("foreseen")),
    () => Effect.die("out of cheese"),
    () => Effect.never
  ]
  const environment = log === undefined ? Logger.layer([logger]) : ServerLog.layer(log)
  const { dial, server } = yield* served({ drain: 0 }, (connection) => handlers.shift()!(connection)).pipe(
    Effect.provide(environment),
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(References.MinimumLogLevel, "All")
  )
  while (handlers.length > 0) {
    yield* dial
    yield* Effect.sleep("2 seconds")
  }
  yield* server.drain
  return lines
})

const standardLines = [
  "Warn foreseen peer listening",
  "Error the handler failed died peer listening",
  "Info draining: 1 connection open, up to 0 ms listening",
  "Info drained: 0 connections ended, 1 cut listening"
]

describe("ServerLog", () => {
  VitestSimulation.it(
    "standard, which is the default, says what an operator should see",
    Effect.gen(function*() {
      expect(yield* logOf(undefined)).toEqual(standardLines)
    })
  )

  VitestSimulation.it(
    "silent says nothing",
    Effect.gen(function*() {
      expect(yield* logOf(ServerLog.silent)).toEqual([])
    })
  )

  VitestSimulation.it(
    "can be one's own, beside others",
    Effect.gen(function*() {
      const ends = ServerLog.make(["Closed"], ({ reason }) => Effect.logInfo(`closed: ${reason}`))
      expect(yield* logOf(ends)).toEqual([
        "Info closed: ended",
        "Info closed: handlerFailed",
        "Info closed: handlerFailed",
        "Info closed: cut"
      ])
      const both = yield* logOf(ServerLog.all(ServerLog.standard, ends))
      expect(both.filter((line) => standardLines.includes(line))).toEqual(standardLines)
      expect(both.length).toBe(8)
    })
  )

  VitestSimulation.it(
    "detailed says all that happens",
    Effect.gen(function*() {
      const lines = (yield* logOf(ServerLog.detailed)).map((line) => line.replace(/out, \d+ ms/, "out, N ms"))
      expect(lines).toEqual([
        "Info listening listening",
        "Debug accepted peer listening",
        "Debug ended: 0 bytes in, 0 bytes out, N ms peer listening who=Ada",
        "Debug accepted peer listening",
        "Warn foreseen peer listening",
        "Debug handlerFailed: 0 bytes in, 0 bytes out, N ms peer listening",
        "Debug accepted peer listening",
        "Error the handler failed died peer listening",
        "Debug handlerFailed: 0 bytes in, 0 bytes out, N ms peer listening",
        "Debug accepted peer listening",
        "Info draining: 1 connection open, up to 0 ms listening",
        "Debug cut: 0 bytes in, 0 bytes out, N ms peer listening",
        "Info drained: 0 connections ended, 1 cut listening"
      ])
    })
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Metrics
// ---------------------------------------------------------------------------------------------------------------------

describe("metrics", () => {
  VitestSimulation.it(
    "count refusals by reason, and how draining went, by listening address",
    Effect.gen(function*() {
      const registry = new Map()
      const { dial, server } = yield* Effect.provideService(
        served(
          { maxConnections: 2, whenFull: "refuse", drain: "1 second" },
          () => Effect.raceFirst(Effect.never, Effect.sleep("5 seconds"))
        ),
        Metric.MetricRegistry,
        registry
      )
      yield* dial
      yield* dial
      yield* dial
      yield* server.update({ deny: ["0.0.0.0/0"] })
      yield* dial
      yield* dial
      yield* Effect.sleep("4500 millis")
      yield* server.drain
      const snapshot = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      const labelled = (id: string, label: string) =>
        Object.fromEntries(
          snapshot.filter((metric) => metric.id === id && metric.attributes?.role === "server").map((metric) => {
            expect(metric.attributes?.address).toBe(NetAddress.formatSocketAddress(server.address))
            return [metric.attributes?.[label], (metric.state as { readonly count: number }).count]
          })
        )
      expect(labelled("sluice_connections_refused", "reason")).toEqual({
        allow: 0,
        deny: 2,
        acceptRate: 0,
        acceptRatePerAddress: 0,
        maxConnections: 1,
        maxConnectionsPerAddress: 0,
        backlog: 0,
        closing: 0
      })
      expect(labelled("sluice_connections_drained", "outcome")).toEqual({ ended: 2, cut: 0 })
      expect(Exit.isSuccess(yield* Effect.exit(server.drain))).toBe(true)
      const again = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      expect(again.find(({ attributes, id }) => id === "sluice_connections_drained" && attributes?.outcome === "ended"))
        .toMatchObject({ state: { count: 2 } })
    })
  )
})
