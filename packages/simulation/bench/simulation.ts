/** How fast the simulated network is: `npm run bench:simulation`. */
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Stream from "effect/Stream"

type Program = Effect.Effect<unknown, unknown, SimNetwork.SimNetwork>

/** Runs a program; gives its run, and the seconds that it took. */
const measure = (program: Program, options?: Simulation.Options) => {
  const quiet = Effect.provideService(Simulation.record(program, options), References.MinimumLogLevel, "None")
  const before = performance.now()
  const run = Effect.runSync(quiet)
  const seconds = (performance.now() - before) / 1000
  if (Exit.isFailure(run.exit)) throw new Error(String(run.exit.cause))
  return { run, seconds }
}

const best = (times: number, value: () => number): number => Math.max(...Array.from({ length: times }, value))

const bulk: Program = Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, (c) => Stream.runDrain(Connection.bytes(c))))
  yield* Host.run(
    client,
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* Network.connect("server:7")
      yield* Connection.write(connection, new Uint8Array(100_000_000))
      yield* Connection.end(connection)
      yield* Connection.readAll(connection)
    }))
  )
})

const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))

const echo: Program = Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* SimNetwork.link(server, client, { latency: "20 millis", loss: 0.1 })
  yield* Host.serve(server, Echo)
  const talk = Effect.scoped(Effect.gen(function*() {
    const connection = yield* Network.connect("server:7")
    for (let message = 0; message < 10; message++) {
      yield* Connection.writeText(connection, "hello")
      yield* Connection.readExactly(connection, 5)
    }
  }))
  yield* Host.run(client, Effect.all(Array.from({ length: 10 }, () => talk), { concurrency: "unbounded" }))
})

const datagrams: Program = Effect.scoped(Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  const to = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(server))
  const from = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(client))
  yield* Effect.forkChild(Stream.runDrain(UdpSocket.datagrams(to)))
  const payload = new Uint8Array(100)
  for (let batch = 0; batch < 1000; batch++) {
    for (let index = 0; index < 200; index++) yield* UdpSocket.send(from, payload, "10.0.0.1:9")
    yield* Effect.sleep("1 millis")
  }
}))

const day: Program = Effect.repeat(Effect.sleep("1 second"), { times: 86_399 })

let heap = 0
const connections: Program = Effect.scoped(Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7", { backlog: 20_000 }), Host.layer(server))
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const every = Array.from({ length: 10_000 })
  const connect = Effect.provide(Network.connect("server:7"), Host.layer(client))
  yield* Effect.all([
    Effect.forEach(every, () => connect, { concurrency: "unbounded", discard: true }),
    Effect.forEach(every, () => Listener.accept(listener), { discard: true })
  ], { concurrency: 2, discard: true })
  globalThis.gc?.()
  heap = process.memoryUsage().heapUsed - before
}))

let meshHeap = 0
/** Each host sends a datagram to each other. */
const mesh = (count: number): Program =>
  Effect.scoped(Effect.gen(function*() {
    const hosts = yield* Effect.forEach(Array.from({ length: count }), (_, index) => SimNetwork.host(`host${index}`))
    const sockets = yield* Effect.forEach(hosts, (host) =>
      Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(host)))
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    for (const socket of sockets) {
      for (const host of hosts) {
        yield* UdpSocket.send(socket, "x", `${host.addresses[0]}:9`)
      }
      yield* Effect.sleep("5 millis")
    }
    globalThis.gc?.()
    meshHeap = process.memoryUsage().heapUsed - before
  }))

const row = (what: string, value: string, reach: string) =>
  console.log(`| ${what.padEnd(48)} | ${value.padStart(12)} | ${reach} |`)
const number = (value: number) => Math.round(value).toLocaleString("en")

console.log("| what | | reach |\n|---|---|---|")
row(
  "segments per second, bulk",
  number(best(8, () => {
    const { run, seconds } = measure(bulk)
    return run.segments / seconds
  })),
  "800,000"
)
row(
  "datagrams per second",
  number(best(8, () => {
    const { run, seconds } = measure(datagrams)
    return run.datagrams / seconds
  })),
  ""
)
const seeds = 300
row(
  "seeds per second, 10 clients, 10 echoes, 10 % loss",
  number(best(8, () => {
    let total = 0
    for (let seed = 1; seed <= seeds; seed++) total += measure(echo, { seed }).seconds
    return seeds / total
  })),
  "800"
)
row(
  "seconds for a virtual day, one event a second",
  (1 / best(8, () => 1 / measure(day, { limit: { time: "2 days" } }).seconds)).toFixed(3),
  "1"
)
// Seconds of CPU for a million steps: the clock of a busy machine says little.
const cost = async (eventLoop: boolean) => {
  const before = process.cpuUsage()
  let steps = 0
  for (let seed = 1; seed <= 100; seed++) {
    const run = await Effect.runPromise(Simulation.record(echo, { seed, eventLoop, trace: false }))
    steps += run.steps
  }
  const { system, user } = process.cpuUsage(before)
  return (user + system) / steps
}
const shares: Array<number> = []
for (let round = 0; round < 5; round++) {
  const without = await cost(false)
  shares.push(without / await cost(true))
}
row("steps per second with the event loop, of those without", shares.toSorted()[2]!.toFixed(2), "0.5")
const many = measure(connections, { trace: false })
row("seconds for 10,000 connections in one run", many.seconds.toFixed(2), "")
row(
  "bytes of heap per connection, both ends",
  globalThis.gc === undefined ? "with --expose-gc" : number(heap / 10_000),
  ""
)
row("seconds for 1,000 hosts that all send to all others", measure(mesh(1000), { trace: false }).seconds.toFixed(2), "")
row(
  "bytes of heap per link of that mesh",
  globalThis.gc === undefined ? "with --expose-gc" : number(meshHeap / 1_000_000),
  ""
)
