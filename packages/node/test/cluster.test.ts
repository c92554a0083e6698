import { expect, it } from "@effect/vitest"
import * as Endpoint from "@sluice/core/Endpoint"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Cluster from "../../client/test/cluster/Cluster.ts"
import { near, RunnerTable } from "../../client/test/cluster/SharedStorage.ts"
import * as Certificates from "../src/TestCertificates.ts"

const { authority, certificate } = await Effect.runPromise(Effect.gen(function*() {
  const authority = yield* Certificates.authority("Test CA")
  return { authority: authority.certificate, certificate: yield* authority.issue({ names: ["127.0.0.1"] }) }
}))

type Options = Pick<Cluster.Options, "connect" | "listen">

const sockets: Record<string, (portOf: (name: string) => number) => Options> = {
  TCP: (portOf) => ({
    connect: { endpoint: ({ host }) => Endpoint.tcp("127.0.0.1", portOf(host)) },
    listen: { endpoint: () => "tcp://127.0.0.1:0" }
  }),
  "TLS, with certificates of both": (portOf) => ({
    connect: {
      endpoint: ({ host }) => Endpoint.tls("127.0.0.1", portOf(host)),
      tls: { authorities: authority, certificate }
    },
    listen: {
      endpoint: () => "tls://127.0.0.1:0",
      tls: { certificates: [certificate], authorities: authority, clientCertificates: "required" }
    }
  })
}

const entities = Array.from({ length: 12 }, (_, index) => `entity-${index}`)

/** Runners in this process, each of which can be closed by itself. */
const started = Effect.fnUntraced(function*(names: ReadonlyArray<string>, options: (typeof sockets)[string]) {
  const table = new RunnerTable()
  const driver = yield* Effect.provide(MessageStorage.MemoryDriver, MessageStorage.MemoryDriver.layer)
  const ports = new Map<string, number>()
  const clients = new Map<string, Cluster.Client>()
  const scopes = new Map<string, Scope.Closeable>()
  for (const name of names) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const services = yield* Layer.buildWithScope(
      Cluster.runner({
        name,
        table,
        driver,
        reach: near,
        onListening: (address) => void ports.set(name, (address as NetAddress.InetAddress).port),
        // Effect looks at who is there every three seconds.
        config: { refreshAssignmentsInterval: "50 millis", entityTerminationTimeout: "1 second" },
        ...options((name) => ports.get(name)!)
      }),
      scope
    )
    scopes.set(name, scope)
    clients.set(name, yield* Effect.provideContext(Cluster.Doubler.client, services))
  }
  /** Waits until these runners have all shards among them. */
  const spread = (names: ReadonlyArray<string>) =>
    table.until(() => {
      const owned = table.owners()
      const counts = names.map((name) => owned[`${name}:34431`] ?? 0)
      return counts.every((count) => count > 0) && counts.reduce((sum, count) => sum + count, 0) === Cluster.shards
    })
  /** Asks every entity from a runner, and gives where each of them answers. */
  const places = (from: string) =>
    Effect.forEach(entities, (entity, number) =>
      Effect.map(clients.get(from)!(entity).Double({ number }), (answer) => {
        expect(answer.result).toBe(number * 2)
        return answer.host
      }), { concurrency: "unbounded" })
  const close = (name: string) => Scope.close(scopes.get(name)!, Exit.void)
  return { close, places, spread }
})

for (const [name, options] of Object.entries(sockets)) {
  it.live(`three runners spread their shards over ${name}, and those of one that ends move to the others`, () =>
    Effect.gen(function*() {
      const { close, places, spread } = yield* started(["a", "b", "c"], options)
      yield* spread(["a", "b", "c"])
      const before = yield* places("a")
      expect(new Set(before)).toEqual(new Set(["a", "b", "c"]))
      expect(yield* places("b")).toEqual(before)

      yield* close("c")
      yield* spread(["a", "b"])
      const after = yield* places("a")
      expect(new Set(after)).toEqual(new Set(["a", "b"]))
      expect(yield* places("b")).toEqual(after)
    }).pipe(
      Effect.scoped,
      Effect.provide(NodeNetwork.layer),
      Effect.provideService(References.MinimumLogLevel, "None")
    ))
}
