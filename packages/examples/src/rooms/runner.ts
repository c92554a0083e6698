/** A runner of the cluster: it has some of the rooms, and serves people in all of them. */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterSocket from "@sluice/client/ClusterSocket"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as NodeProgram from "@sluice/node/NodeProgram"
import type * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as history from "./history.ts"
import * as person from "./person.ts"
import * as Room from "./Room.ts"

/** A client of PostgreSQL over Sluice. */
const postgres = (url: URL) =>
  Layer.unwrap(Effect.map(NodeDuplex.connector(), ({ connect }) =>
    PgClient.layer({
      url: Redacted.make(url.href),
      stream: () => connect(Number(url.port || "5432"), url.hostname)
    })))

/** Runs until it is interrupted. */
export const run = (options: {
  /** Where people connect. */
  readonly server: Server.Options
  /** Where the other runners connect. */
  readonly runner: RunnerAddress.RunnerAddress
  readonly postgres: URL
}) => {
  const people = Layer.unwrap(Effect.map(person.handler, (handler) => Server.layer(options.server, handler)))
  return people.pipe(
    Layer.provideMerge(Room.layer),
    Layer.provide(SocketRunner.layer),
    Layer.provide(Layer.provide(RunnerHealth.layerPing, Runners.layerRpc)),
    Layer.provide([ClusterSocket.layerClientProtocol(), ClusterSocket.layerSocketServer()]),
    Layer.provide([SqlMessageStorage.layer, SqlRunnerStorage.layer]),
    // Before the storage of the cluster, which dies if PostgreSQL cannot be reached.
    Layer.provide(history.layer),
    Layer.provide(ShardingConfig.layer({
      runnerAddress: Option.some(options.runner),
      simulateRemoteSerialization: false,
      // How soon the rooms of a runner move that was killed: one of the others checks it and, should it be the one that
      // checks, its locks expire.
      refreshAssignmentsInterval: "1 second",
      runnerHealthCheckInterval: "1 second",
      shardLockExpiration: "10 seconds",
      entityMessagePollInterval: "1 second",
      // Rooms move together, in this many groups.
      shardsPerGroup: 60
    })),
    Layer.provide([RpcSerialization.layerSchemaBinary(), postgres(options.postgres), NodeCrypto.layerDigest]),
    NodeProgram.launch,
    Effect.catchTags({
      SocketServerError: ({ reason: { cause, message } }) =>
        Effect.fail(NetworkError.isNetworkError(cause) ? cause : new RunnerFailed({ message })),
      SqlError: (error) => Effect.fail(unusable(error)),
      MigrationError: (error) => Effect.fail(unusable(error))
    })
  )
}

class RunnerFailed extends Data.TaggedError("RunnerFailed")<{ readonly message: string }> {}

/** Says what is behind the errors of a library. */
const unusable = (error: Error) => {
  let cause = error
  while (cause.cause instanceof Error && !NetworkError.isNetworkError(cause)) cause = cause.cause
  return new RunnerFailed({ message: `cannot use PostgreSQL: ${cause.message}; check --postgres` })
}
