import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import * as passwords from "../cli/passwords.ts"
import { positiveDuration, setting } from "../cli/setting.ts"
import * as conversation from "./conversation.ts"
import * as rules from "./rules.ts"

const targets = (name: string, description: string) =>
  setting(name, {
    metavar: "targets",
    description,
    expected: "networks, addresses and names with commas between them, as in 10.0.0.0/8,192.0.2.1,example.org",
    parse: (text) => Option.all(text.split(",").map((each) => rules.parse(each.trim())))
  }).pipe(Flag.withDefault<ReadonlyArray<rules.Rule>>([]))

const server = Command.make(
  "server",
  {
    ...flags.datagramAddress(1080),
    ...flags.policy,
    passwordFile: passwords.passwordFile,
    allow: targets("allow", "Connect to these targets only; a name stands for all names below it, too"),
    deny: targets("deny", "Do not connect to these targets, even if they are allowed"),
    handshakeTimeout: positiveDuration("handshake-timeout", "Time for a client to ask for a target; default: 10s")
      .pipe(Flag.withDefault(Duration.seconds(10))),
    connectTimeout: positiveDuration("connect-timeout", "Time to connect to a target; default: 10s").pipe(
      Flag.withDefault(Duration.seconds(10))
    )
  },
  Effect.fnUntraced(function*({ host, port, ...options }) {
    const credentials = yield* passwords.read(options, { longest: 255, risk: "connect through this server" })
    const handler = conversation.handler({
      ...options,
      credentials,
      rules: { allow: options.allow, deny: options.deny, isPublic: options.public }
    })
    const Socks = Server.layer({
      ...flags.serverPolicy(options),
      listen: Endpoint.tcp(host, port),
      onListening: flags.printListening
    }, handler)
    const names = Layer.provide(NodeAddressResolver.layer, NodeDns.layer)
    return yield* NodeProgram.launch(Layer.provide(Socks, [NodeNetwork.layer, names]))
  })
).pipe(Command.withDescription("Connect clients to the targets that they ask for (SOCKS5)"))

export const socks = Command.make("socks").pipe(
  Command.withDescription("A SOCKS5 proxy"),
  Command.withSubcommands([server])
)
