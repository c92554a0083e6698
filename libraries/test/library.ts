import type * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"

/** Where a client of a library connects to, and by what. */
export interface Where {
  readonly host: string
  readonly port: number
  readonly connector: NodeDuplex.Connector
  /** Waits between two operations: a second, which is nothing on a real network. */
  readonly pause: () => Promise<void>
}

/** A library that is to run over Sluice. */
export interface Library {
  /** A Sluice server of the library, or of what it talks to. */
  readonly serve: (options: Server.Options) => Layer.Layer<never, unknown, Network.Network>
  /** What a client does, and what it sees. */
  readonly client: (where: Where) => Effect.Effect<unknown, unknown, Network.Network | Scope.Scope>
  readonly expected: unknown
}

/** Does an operation again until it succeeds. */
export const retrying = async <A>({ pause }: Where, operation: () => Promise<A>): Promise<A> => {
  while (true) {
    try {
      return await operation()
    } catch {
      await pause()
    }
  }
}

/** How many operations a client does: enough of them come before, during and after a partition. */
export const rounds = Array.from({ length: 20 }, (_, round) => round)

/** A Sluice server that hands its connections to a server of Node's. */
export const handing = (make: () => NodeDuplex.NodeServer) => (options: Server.Options) =>
  Layer.unwrap(Effect.sync(() => Server.layer(options, NodeDuplex.serve(make()))))

const clientOf = (library: Library, host: string, port: number, pause: Where["pause"]) =>
  Effect.scoped(Effect.gen(function*() {
    const connector = yield* NodeDuplex.connector()
    return yield* library.client({ host, port, connector, pause })
  }))

const overKernel = (library: Library) =>
  Effect.gen(function*() {
    const listening = Promise.withResolvers<number>()
    const onListening = (address: NetAddress.SocketAddress) =>
      Effect.sync(() => listening.resolve((address as NetAddress.InetAddress).port))
    yield* Layer.build(library.serve({ listen: "tcp://127.0.0.1:0", drain: 0, onListening }))
    const port = yield* Effect.promise(() => listening.promise)
    return yield* clientOf(library, "127.0.0.1", port, () => Promise.resolve())
  }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))

const second = () => new Promise<void>((resolve) => setTimeout(resolve, 1000))

const simulated = (library: Library, link: Parameters<typeof SimNetwork.link>[2], partition: number) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, link)
    yield* Host.serve(server, library.serve({ listen: "tcp://0.0.0.0:7000", drain: 0 }))
    if (partition > 0) {
      const fault = Effect.scoped(Effect.andThen(Fault.partition(server, client), Effect.sleep(`${partition} seconds`)))
      yield* Effect.forkChild(Effect.delay(fault, "5 seconds"))
    }
    expect(yield* Host.run(client, clientOf(library, "server", 7000, second))).toEqual(library.expected)
    expect(yield* Clock.currentTimeMillis).toBeGreaterThan(partition * 1000)
  })

/** Runs a program twice with one seed: how long each run took, and what its trace was. */
const twice = <A, E>(program: Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>) =>
  Effect.gen(function*() {
    const runs = yield* Effect.replicateEffect(
      Simulation.record(program, { seed: 1, schedule: "random", eventLoop: true }),
      2
    )
    for (const { exit } of runs) yield* exit
    return runs.map(({ elapsed, trace }) => `${Duration.format(elapsed)}, trace ${trace.hash}`)
  })

const run = <A, E>(program: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.provideService(program, References.MinimumLogLevel, "None"))

/** Tests that a library works on the kernel's network, and in virtual time on one that loses packets and one that is partitioned. */
export const library = (name: string, library: Library): void => {
  describe(`${name} over Sluice`, () => {
    it("over the kernel", async () => expect(await run(overKernel(library))).toEqual(library.expected))
    const link = { latency: "20 millis" } as const
    const programs = {
      "in simulation": simulated(library, link, 0),
      "in simulation, with a tenth of the packets lost": simulated(library, { ...link, loss: 0.1 }, 0),
      "in simulation, through a partition of 60 seconds": simulated(library, link, 60)
    }
    it.each(Object.entries(programs))("%s", async (_, program) => {
      const [first, second] = await run(twice(program))
      expect(second).toBe(first)
    })
  })
}
