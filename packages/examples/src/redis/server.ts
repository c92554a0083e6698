/** `redis server`: a server of Redis' protocol, with all data in memory. */
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as flags from "../cli/flags.ts"
import { positiveNumber } from "../cli/setting.ts"
import { defaultLimits, layer } from "./server/RedisServer.ts"

const megabyte = 1024 * 1024

const maxMemory = positiveNumber(
  "max-memory",
  `Memory for keys and values, about; ${defaultLimits.maxMemory / megabyte} MiB by default`,
  "MiB"
).pipe(Flag.withDefault(defaultLimits.maxMemory / megabyte))

const maxKeys = positiveNumber("max-keys", `How many keys there may be; ${defaultLimits.maxKeys} by default`).pipe(
  Flag.withDefault(defaultLimits.maxKeys)
)

export const server = Command.make(
  "server",
  { ...flags.server(6379), maxMemory, maxKeys },
  (options) =>
    Effect.map(
      flags.serverOptions(options),
      (server) => layer(server, { ...defaultLimits, maxMemory: options.maxMemory * megabyte, maxKeys: options.maxKeys })
    ).pipe(Layer.unwrap, Layer.provide(NodeNetwork.layer), NodeProgram.launch)
).pipe(Command.withDescription("Keep data in memory for redis-cli and other clients of Redis"))
