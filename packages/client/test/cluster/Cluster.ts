/** A cluster of runners, one entity, and storage that they share. */
import * as ClusterSocket from "@sluice/client/ClusterSocket"
import * as Host from "@sluice/simulation/Host"
import * as SimRpc from "@sluice/simulation/SimRpc"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Schema from "effect/Schema"
import * as SocketServer from "effect/socket/SocketServer"
import { Life, messages, type Reach, RunnerTable } from "./SharedStorage.ts"

/** It doubles numbers, and says on which host. `Keep` is persisted: it is answered even if its runner is gone. */
export const Doubler = Entity.make("Doubler", [
  Rpc.make("Double", {
    payload: { number: Schema.Number },
    success: Schema.Struct({ host: Schema.String, result: Schema.Number })
  }),
  Rpc.make("Keep", {
    payload: { number: Schema.Number },
    success: Schema.Struct({ host: Schema.String, result: Schema.Number })
  }).annotate(ClusterSchema.Persisted, true)
])

export type Client = Effect.Success<typeof Doubler.client>

/** A runner, and whom it shares with. */
export interface Options {
  readonly name: string
  readonly table: RunnerTable
  readonly driver: MessageStorage.MemoryDriver["Service"]
  readonly reach: Reach
  /** Instead of the table. */
  readonly storage?: RunnerStorage.RunnerStorage["Service"] | undefined
  readonly connect?: ClusterSocket.ConnectOptions
  readonly listen?: ClusterSocket.ListenOptions
  readonly config?: Partial<ShardingConfig.ShardingConfig["Service"]>
  /** Told where it listens, before anybody else knows of it. */
  readonly onListening?: (address: NetAddress.SocketAddress) => void
}

export const shards = 30

const doubler = (name: string) => {
  const handler = ({ payload }: { readonly payload: { readonly number: number } }) =>
    Effect.succeed({ host: name, result: payload.number * 2 })
  return Doubler.toLayer({ Double: handler, Keep: handler })
}

/** A runner that doubles numbers. */
export const runner = (options: Options) => runnerOf(doubler(options.name), options)

const runnerOf = (
  entities: Layer.Layer<never, never, Sharding.Sharding>,
  { config, connect, driver, listen, name, onListening, reach, storage, table }: Options
) => {
  const server = ClusterSocket.layerSocketServer(listen).pipe(
    Layer.tap((services) => Effect.sync(() => onListening?.(Context.get(services, SocketServer.SocketServer).address)))
  )
  return entities.pipe(
    Layer.provideMerge(SocketRunner.layer),
    Layer.provide(RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc))),
    Layer.provide([SimRpc.repeatable(ClusterSocket.layerClientProtocol(connect)), server]),
    Layer.provide([messages(driver, reach), Layer.succeed(RunnerStorage.RunnerStorage, storage ?? table.of(reach))]),
    Layer.provide(ShardingConfig.layer({
      runnerAddress: Option.some(RunnerAddress.make(name, 34431)),
      shardsPerGroup: shards,
      simulateRemoteSerialization: false,
      ...config
    })),
    Layer.provide(RpcSerialization.layerSchemaBinary())
  )
}

/** What a runner does on its host. */
export interface Program<Client> {
  readonly entities: Layer.Layer<never, never, Sharding.Sharding>
  readonly client: Effect.Effect<Client, never, Sharding.Sharding>
  /** Runs beside the entities, with a client of them. */
  readonly work: (client: Client) => Effect.Effect<void>
}

/** Starts a runner on each host, and gives what they share and a client from each. */
export const startWith = Effect.fnUntraced(function*<Client>(
  hosts: ReadonlyArray<Host.Host>,
  programOf: (host: Host.Host) => Program<Client>,
  options: Pick<Options, "storage"> = {}
) {
  const table = new RunnerTable()
  const driver = yield* Effect.provide(MessageStorage.MemoryDriver, MessageStorage.MemoryDriver.layer)
  const clients = new Map<string, Client>()

  for (const host of hosts) {
    const isUp = yield* Deferred.make<void>()
    const { client, entities, work } = programOf(host)
    const program = Effect.gen(function*() {
      const life = new Life(host)
      const runner = runnerOf(entities, { name: host.name, table, driver, reach: life, ...options })
      const services = yield* Layer.build(runner)
      yield* Effect.addFinalizer(() => Effect.sync(() => void (life.isOver = !Host.isUp(host))))
      const own = yield* Effect.provideContext(client, services)
      clients.set(host.name, own)
      yield* Deferred.succeed(isUp, undefined)
      yield* work(own)
      yield* Effect.never
    })
    // A runner that is torn down because its host has crashed says so at length.
    yield* Host.start(host, Effect.provideService(program, References.MinimumLogLevel, "None"))
    yield* Deferred.await(isUp)
  }
  return { table, clients }
})

/** Starts a runner that doubles numbers on each host. */
export const start = (hosts: ReadonlyArray<Host.Host>) =>
  startWith(hosts, ({ name }) => ({ entities: doubler(name), client: Doubler.client, work: () => Effect.void }))
