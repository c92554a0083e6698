/**
 * Entities that count, in a cluster of three runners, and clients on all hosts that add to them. What was acknowledged must
 * have been counted, once, and an entity must have one owner at a time.
 */
import * as Property from "@sluice/core/Property"
import * as Campaign from "@sluice/simulation/Campaign"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Cluster from "./Cluster.ts"

const names = ["a", "b", "c"] as const
const entities = Array.from({ length: 6 }, (_, index) => `counter-${index}`)

/** `Add` counts an id once, however often it is sent. `Total` is not persisted: its runner answers it. */
const Counter = Entity.make("Counter", [
  Rpc.make("Add", { payload: { id: Schema.String }, primaryKey: ({ id }) => id, success: Schema.Number })
    .annotate(ClusterSchema.Persisted, true),
  Rpc.make("Total", { success: Schema.Number })
])

type Client = Effect.Success<typeof Counter.client>

/** The database of the entities: the ids that each has counted, in order. Outside of all hosts. */
class Ledger {
  readonly counted = new Map(entities.map((entity) => [entity, [] as Array<string>]))

  ids(entity: string): Array<string> {
    return this.counted.get(entity)!
  }
}

/** How the cluster is put together. */
export interface Options {
  /** A bug: storage that gives a lock to every runner that asks, as `RunnerStorage.layerMemory` does. */
  readonly sharesLocks?: boolean | undefined
  /**
   * Whether runners are paused too. A runner that was paused for longer than its locks last does not know at first that it
   * has lost them: then an entity has two owners.
   */
  readonly hasPauses?: boolean | undefined
}

/** An entity reads what it has counted when it starts, and writes what is new: nobody else may have written meanwhile. */
const counter = (ledger: Ledger, { hasPauses = false }: Options) =>
  Counter.toLayer(Effect.gen(function*() {
    const { entityId } = yield* Entity.CurrentAddress
    const stored = ledger.ids(entityId)
    const own = new Set(stored)
    return Counter.of({
      Add: ({ payload: { id } }) =>
        Effect.gen(function*() {
          if (own.has(id)) return own.size
          yield* Effect.sleep("20 millis")
          const isOwner = stored.length === own.size
          yield* Property.always("an entity has one owner at a time", isOwner || hasPauses, { entityId, id })
          for (const each of stored) own.add(each)
          if (own.has(id)) return own.size
          stored.push(id)
          own.add(id)
          yield* Effect.sleep("20 millis")
          return own.size
        }),
      Total: () => Effect.sync(() => own.size)
    })
  }))

/** How long clients add to the counters. */
const minutes = 2

const campaign = (hasPauses: boolean) =>
  Campaign.make({
    faults: [
      "crash",
      "kill",
      "partition",
      "partitionOneWay",
      "lossy",
      "slow",
      ...(hasPauses ? ["pause" as const] : [])
    ],
    every: ["1 second", "30 seconds"],
    lasts: ["100 millis", "60 seconds"]
  })

/** The program, and what must hold once all faults are healed. */
export const explored = (options: Options = {}) => {
  const { hasPauses = false, sharesLocks = false } = options
  let ledger = new Ledger()
  let isOver = false
  let issued = 0
  let acknowledged: ReadonlyMap<string, Set<string>> = new Map()
  let cluster: {
    readonly isSpread: () => boolean
    readonly ask: (host: Host.Host, entity: string) => Effect.Effect<number, unknown>
  }
  let hosts: ReadonlyArray<Host.Host> = []

  const adding = (host: Host.Host) => (client: Client) =>
    Effect.gen(function*() {
      while (true) {
        if (isOver) return
        const number = issued++
        const [entity, id] = [entities[number % entities.length]!, `${host.name}-${number}`]
        const known = acknowledged.get(entity)!
        const before = known.size
        const total = yield* Effect.option(Effect.timeout(client(entity).Total(), "20 seconds"))
        if (total._tag === "Some") {
          const details = { entity, before, total: total.value }
          const isWhole = total.value >= before || hasPauses
          yield* Property.always("a total has all that was acknowledged", isWhole, details)
        }
        while ((yield* Effect.exit(Effect.timeout(client(entity).Add({ id }), "20 seconds")))._tag === "Failure") {
          yield* Effect.sleep("500 millis")
        }
        known.add(id)
        yield* Effect.sleep("500 millis")
      }
    })

  const program = Effect.gen(function*() {
    ledger = new Ledger()
    isOver = false
    issued = 0
    acknowledged = new Map(entities.map((entity) => [entity, new Set()]))
    hosts = yield* SimNetwork.hosts(...names)
    const storage = sharesLocks ? yield* RunnerStorage.makeMemory : undefined
    const { clients, table } = yield* Cluster.startWith(
      hosts,
      (host) => ({ entities: counter(ledger, options), client: Counter.client, work: adding(host) }),
      { storage }
    )
    cluster = {
      isSpread: () => {
        const counts = Object.values(table.owners())
        return counts.length === names.length && counts.reduce((sum, count) => sum + count, 0) === Cluster.shards
      },
      ask: (host, entity) => Host.run(host, Effect.timeout(clients.get(host.name)!(entity).Total(), "30 seconds"))
    }
    yield* Effect.sleep(minutes * 60_000)
    isOver = true
  })

  const eventually = Effect.gen(function*() {
    if (!cluster.isSpread()) return yield* Effect.fail(new Error("not every runner has its shards"))
    for (const entity of entities) {
      const ids = ledger.ids(entity)
      const lost = [...acknowledged.get(entity)!].filter((id) => !ids.includes(id))
      if (lost.length > 0) return yield* Effect.die(new Error(`${entity} has lost ${lost.join(", ")}`))
      if (new Set(ids).size < ids.length) return yield* Effect.die(new Error(`${entity} has counted an id twice`))
      for (const host of hosts) {
        const total = yield* cluster.ask(host, entity)
        if (total !== ids.length) {
          return yield* Effect.fail(new Error(`${host.name} gets ${total} of ${ids.length} for ${entity}`))
        }
      }
    }
    yield* Property.sometimes("clients were answered", issued > 100)
  })

  return {
    program,
    options: { campaign: campaign(hasPauses), for: minutes * 60_000, eventually, calm: "5 minutes" } as const
  }
}
