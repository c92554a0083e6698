import { assert, describe } from "@effect/vitest"
import * as FramedClient from "@sluice/client/FramedClient"
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Dns from "effect/net/Dns"
import * as HostName from "effect/net/Host"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 20)
const lines = Framing.lines()
const connect = (endpoint: Endpoint.Endpoint) =>
  Effect.flatMap(
    Network.connect(endpoint, { connectTimeout: "300 millis" }),
    Framed.make(lines)
  )
const schedule = Schedule.spaced("100 millis")
const names = ["a", "b", "c"] as const
const endpoints = names.map((name) => `tcp://${name}:7`)

/** Servers that answer with their names and the request, after as many milliseconds as it says; `served` counts. */
const start = Effect.gen(function*() {
  const client = yield* SimNetwork.host("client")
  const hosts: Record<string, Host.Host> = {}
  const served: Record<string, number> = {}
  const silent = new Set<string>()
  for (const name of names) {
    const host = yield* SimNetwork.host(name)
    hosts[name] = host
    served[name] = 0
    yield* Host.serve(
      host,
      Server.layer(
        { listen: "tcp://0.0.0.0:7" },
        Framed.serve(lines, (line) => {
          served[name]!++
          if (silent.has(name)) return Effect.never
          const [, millis = "1"] = line.split(" ")
          return Effect.delay(Effect.succeed(`${name} re: ${line}`), `${Number(millis)} millis`)
        }, { concurrency: 64 })
      )
    )
  }
  const reset = () => names.forEach((name) => served[name] = 0)
  return { client, hosts, served, silent, reset }
})

const ask = (self: FramedClient.FramedClient<string, string, Framed.FramedError>, count: number, millis = 10) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => `q${i} ${millis}`),
    (line) =>
      Effect.map(FramedClient.request(self, line), (answer) => {
        assert.strictEqual(answer.slice(2), `re: ${line}`)
        return answer[0]!
      }),
    { concurrency: "unbounded" }
  )

const connections = (self: FramedClient.FramedClient<string, string, Framed.FramedError>, count: number) =>
  Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), FramedClient.size(self)), { until: (size) => size === count })

/** Requests that may fail, until all that can be known of dead endpoints is known. */
const notice = (self: FramedClient.FramedClient<string, string, Framed.FramedError>) =>
  Effect.tap(
    Effect.forEach(Array.from({ length: 12 }), () => Effect.exit(FramedClient.request(self, "q 1")), {
      concurrency: "unbounded"
    }),
    () => Effect.sleep("3 seconds")
  )

const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, Logger.layer([]))

/** Runs a program on the host of the client. */
const asClient = <A, E, R>(program: (servers: Effect.Success<typeof start>) => Effect.Effect<A, E, R>) =>
  quietly(Effect.flatMap(start, (servers) => Host.run(servers.client, Effect.scoped(program(servers)))))

describe("FramedClient with endpoints", () => {
  VitestSimulation.it(
    "shares requests evenly, and gives a dead endpoint's share to the others until it is back",
    asClient(Effect.fnUntraced(function*({ hosts, reset, served }) {
      const self = yield* FramedClient.make({ endpoints, connect, schedule, answerTimeout: "1 second" })
      yield* connections(self, 3)
      yield* ask(self, 60)
      assert.deepStrictEqual(served, { a: 20, b: 20, c: 20 })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.crash(hosts.b!)
        // A host that is gone says nothing: the first requests to it show it.
        yield* notice(self)
        reset()
        yield* ask(self, 60)
        assert.deepStrictEqual(served, { a: 30, b: 0, c: 30 })
        assert.strictEqual((yield* FramedClient.endpoints(self))[1]!.connections, 0)
      }))
      yield* connections(self, 3)
      reset()
      yield* ask(self, 60)
      assert.deepStrictEqual(served, { a: 20, b: 20, c: 20 })
    })),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "ejects an endpoint that takes requests and answers none, tries it with one, and takes it back",
    asClient(Effect.fnUntraced(function*({ reset, served, silent }) {
      const self = yield* FramedClient.make({
        endpoints,
        connect,
        schedule,
        answerTimeout: "100 millis",
        ejection: { after: 2, duration: "2 seconds" }
      })
      const health = Effect.map(FramedClient.endpoints(self), ([a]) => a!.health)
      yield* connections(self, 3)
      silent.add("a")
      // Each of these may be lost with a connection, and ejects after the second.
      for (let round = 0; (yield* health) !== "ejected"; round++) {
        assert.isBelow(round, 10)
        yield* Effect.exit(ask(self, 6))
        yield* connections(self, 3)
      }
      reset()
      yield* ask(self, 30)
      assert.strictEqual(served.a, 0)
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(yield* health, "probation")
      const exits = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Effect.exit(FramedClient.request(self, "q 10")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(exits.filter(Exit.isFailure).length, 1)
      assert.strictEqual(served.a, 1)
      // Twice as long now.
      yield* Effect.sleep("3 seconds")
      assert.strictEqual(yield* health, "ejected")
      silent.clear()
      yield* Effect.sleep("1 second")
      yield* ask(self, 3)
      assert.strictEqual(yield* health, "healthy")
    })),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "takes endpoints, priorities and weights from SRV records, and follows them",
    quietly(Effect.gen(function*() {
      const { client, hosts, served, reset } = yield* start
      const record = (target: string, priority: number, weight: number) =>
        Dns.makeRecordUnsafe("SRV", { target: HostName.domainNameFromStringUnsafe(target), port: 7, priority, weight })
      let records = [record("a", 10, 3), record("b", 10, 1), record("c", 20, 1)]
      let fails = true
      const dns = Dns.make({
        lookup: () => Effect.succeed([]),
        reverse: () => Effect.succeed([]),
        resolve: (hostname) =>
          Effect.suspend(() =>
            fails
              ? Effect.fail(new Dns.DnsError({ reason: "Timeout", method: "resolve", hostname }))
              : Effect.succeed(records)
          )
      })
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const endpoints = FramedClient.srv("_lines._tcp.test", { refresh: "10 seconds" })
          const self = yield* FramedClient.make({ endpoints, connect, schedule, answerTimeout: "20 seconds" })
          const early = yield* Effect.forkChild(FramedClient.request(self, "early"), { startImmediately: true })
          yield* Effect.sleep("1 second")
          fails = false
          assert.include(yield* Fiber.join(early), "re: early")
          yield* connections(self, 3)
          reset()
          // One after the other, by chance; together, by what is in flight.
          for (let i = 0; i < 200; i++) yield* FramedClient.request(self, "q 0")
          assert.closeTo(served.a!, 150, 35)
          assert.strictEqual(served.c, 0)
          reset()
          yield* ask(self, 40)
          assert.closeTo(served.a!, 30, 1)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Fault.crash([hosts.a!, hosts.b!])
            yield* notice(self)
            assert.deepStrictEqual([...new Set(yield* ask(self, 10))], ["c"])
          }))
          // One leaves while it has a request: it is answered, and then the connection is closed.
          yield* connections(self, 3)
          const slow = yield* Effect.forkChild(ask(self, 8, 15_000), { startImmediately: true })
          yield* Effect.sleep("1 second")
          records = [record("a", 10, 3)]
          yield* Effect.sleep("11 seconds")
          assert.strictEqual((yield* FramedClient.endpoints(self)).length, 1)
          assert.deepStrictEqual([...new Set(yield* Fiber.join(slow))].sort(), ["a", "b"])
          yield* connections(self, 1)
          fails = true
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual([...new Set(yield* ask(self, 10))], ["a"])
        }).pipe(Effect.scoped, Effect.provideService(Dns.Dns, dns))
      )
    })),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "bounds what waits, and reports metrics",
    quietly(Effect.gen(function*() {
      const { client } = yield* start
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({
            endpoints: endpoints.slice(0, 1),
            connect,
            maxPending: 2,
            maxWaiting: 3,
            name: "lines"
          })
          const exits = yield* Effect.forEach(
            Array.from({ length: 7 }),
            () => Effect.exit(FramedClient.request(self, "q 15")),
            { concurrency: "unbounded" }
          )
          const failures = exits.flatMap((exit) =>
            Exit.isFailure(exit) ? [Option.getOrThrow(Exit.findErrorOption(exit))] : []
          )
          assert.strictEqual(failures.length, 2)
          for (const failure of failures) {
            assert.deepInclude(failure, { _tag: "RequestFailed", sent: false })
            assert.include(failure.message, "2 requests are pending and 3 wait; slow down, or raise maxPending")
          }
          const metrics = (yield* Metric.snapshot).filter(({ id }) => id.startsWith("sluice_client_"))
          const value = (id: string) => metrics.find((metric) => metric.id === `sluice_client_${id}`)?.state
          assert.deepInclude(value("answered"), { count: 5 })
          assert.deepInclude(value("failed"), { count: 2 })
          assert.deepInclude(value("pending"), { value: 0 })
          assert.deepInclude(value("connections"), { value: 1 })
          assert.deepInclude(value("ejections"), { count: 0 })
          const latency = value("latency") as Metric.HistogramState
          assert.strictEqual(latency.count, 5)
          assert.isAtLeast(latency.min, 15)
          assert.deepStrictEqual(latency.buckets.find(([upTo]) => upTo === 10_000), [10_000, 5])
          const failed = metrics.find(({ id }) => id === "sluice_client_failed")
          assert.deepInclude(failed?.attributes, { client: "lines", reason: "Overloaded" })
        }).pipe(Effect.scoped)
      )
      const left = (yield* Metric.snapshot).filter(({ id }) => id.startsWith("sluice_client_"))
      assert.strictEqual(left.length, 0)
    }))
  )

  VitestSimulation.it(
    "refuses invalid endpoints",
    Effect.gen(function*() {
      const { client } = yield* start
      const cases: ReadonlyArray<readonly [string, FramedClient.Endpoints<never> | undefined]> = [
        ["endpoints", undefined],
        ["endpoints", []],
        ["endpoints", ["nowhere"]],
        ["endpoints.weight", [{ endpoint: "tcp://a:7", weight: -1 }]],
        ["endpoints.priority", [{ endpoint: "tcp://a:7", priority: 65_536 }]],
        ["endpoints.refresh", { resolve: Effect.succeed([]), refresh: 0 }]
      ]
      for (const [option, endpoints] of cases) {
        const error = yield* Effect.flip(Effect.scoped(Host.run(client, FramedClient.make({ endpoints, connect }))))
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
      }
    })
  )

  VitestSimulation.it(
    "every answer belongs to its request, whatever happens to the network and to the servers",
    quietly(
      Effect.gen(function*() {
        const { client, hosts, served } = yield* start
        const random = yield* Random.Random
        const chance = () => random.nextDoubleUnsafe()
        for (const name of names) {
          yield* SimNetwork.link(client, hosts[name]!, { latency: "2 millis", jitter: "3 millis" })
        }
        const faults = Effect.forever(Effect.gen(function*() {
          yield* Effect.sleep(`${100 + Math.floor(chance() * 400)} millis`)
          const host = hosts[names[Math.floor(chance() * 3)]!]!
          yield* Effect.scoped(Effect.andThen(
            chance() < 0.5 ? Fault.partition(client, host) : Fault.crash(host),
            Effect.sleep(`${200 + Math.floor(chance() * 1500)} millis`)
          ))
        }))
        const breaking = yield* Effect.forkScoped(Effect.scoped(Effect.gen(function*() {
          for (const name of names) yield* Fault.lossy(client, hosts[name]!, 0.02)
          yield* Effect.all([faults, faults], { concurrency: 2 })
        })))
        yield* Host.run(
          client,
          Effect.gen(function*() {
            const self = yield* FramedClient.make({
              endpoints,
              connect,
              connections: 2,
              schedule,
              answerTimeout: "500 millis",
              maxPending: 16,
              maxWaiting: 20
            })
            let right = 0
            yield* Effect.forEach(
              Array.from({ length: 150 }, (_, i) => i),
              (i) =>
                Effect.gen(function*() {
                  yield* Effect.sleep(`${i * 30} millis`)
                  const line = `q${i} ${(i * 13) % 120}`
                  const exit = yield* Effect.exit(
                    Effect.timeoutOption(FramedClient.request(self, line), `${50 + (i * 7) % 400} millis`)
                  )
                  if (Exit.isFailure(exit)) {
                    assert.strictEqual(Option.getOrThrow(Exit.findErrorOption(exit))._tag, "RequestFailed")
                  } else if (Option.isSome(exit.value)) {
                    assert.strictEqual(exit.value.value.slice(2), `re: ${line}`)
                    right++
                  }
                }),
              { concurrency: "unbounded" }
            )
            assert.isAbove(right, 50)
            // All comes back.
            yield* Fiber.interrupt(breaking)
            // Connections that servers have forgotten in a crash end with the first request, and may eject for a while.
            let isWell = false
            for (let round = 0; !isWell; round++) {
              assert.isBelow(round, 8)
              yield* Effect.sleep("2 minutes")
              yield* connections(self, 6)
              const isTrusted = (yield* FramedClient.endpoints(self)).every(({ health }) => health === "healthy")
              isWell = (yield* notice(self)).every(Exit.isSuccess) && isTrusted
            }
            for (const name of names) served[name] = 0
            yield* ask(self, 12)
            assert.deepStrictEqual(served, { a: 4, b: 4, c: 4 })
          }).pipe(Effect.scoped)
        )
      }).pipe(Effect.scoped)
    ),
    { seeds, timeout: 600_000 }
  )
})
