import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as flags from "../cli/flags.ts"
import * as passwords from "../cli/passwords.ts"
import { layer } from "./server.ts"

const server = Command.make(
  "server",
  { ...flags.server(1883), passwordFile: passwords.passwordFile },
  Effect.fnUntraced(function*(options) {
    const credentials = yield* passwords.read(options, { longest: 65535, risk: "publish and subscribe" })
    const server = yield* flags.serverOptions(options)
    const Mqtt = layer({ maxConnections: 1000, writeTimeout: "30 seconds", ...server }, { credentials })
    return Layer.provide(Mqtt, NodeNetwork.layer)
  }, (broker) => NodeProgram.launch(Layer.unwrap(broker)))
).pipe(Command.withDescription("Pass messages from publishers to subscribers (MQTT 3.1.1, QoS 0 and 1)"))

export const mqtt = Command.make("mqtt").pipe(
  Command.withDescription("A small MQTT broker"),
  Command.withSubcommands([server])
)
