import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import { path } from "../cli/setting.ts"
import * as passwords from "./passwords.ts"
import { layer } from "./server.ts"

const server = Command.make(
  "server",
  {
    ...flags.server(1883),
    passwordFile: path("password-file", "A file with a line NAME:PASSWORD for each user; default: everyone may connect")
  },
  Effect.fnUntraced(function*({ passwordFile, ...options }) {
    const credentials = Option.isNone(passwordFile) ? undefined : yield* passwords.read(passwordFile.value)
    if (options.public && credentials === undefined) {
      yield* Effect.logWarning("anyone can publish and subscribe; give --password-file")
    }
    const server = yield* flags.serverOptions(options)
    const Mqtt = layer({ maxConnections: 1000, writeTimeout: "30 seconds", ...server }, { credentials })
    return Layer.provide(Mqtt, NodeNetwork.layer)
  }, (broker) => NodeProgram.launch(Layer.unwrap(broker)))
).pipe(Command.withDescription("Pass messages from publishers to subscribers (MQTT 3.1.1, QoS 0 and 1)"))

export const mqtt = Command.make("mqtt").pipe(
  Command.withDescription("A small MQTT broker"),
  Command.withSubcommands([server])
)
