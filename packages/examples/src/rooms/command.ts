import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import { setting, wholeNumber } from "../cli/setting.ts"

const postgres = setting("postgres", {
  metavar: "url",
  description: "PostgreSQL that all runners share, such as postgres://user:password@127.0.0.1:5432/database",
  expected: "a URL such as postgres://user:password@127.0.0.1:5432/database",
  parse: (text) =>
    Option.filter(
      Option.fromNullishOr(URL.parse(text)),
      ({ hostname, protocol }) => /^postgres(ql)?:$/.test(protocol) && hostname !== ""
    )
})

const runnerPort = setting("runner-port", {
  metavar: "port",
  description: "Port of this runner for the others; default: 34431",
  expected: "a port from 1 to 65535",
  parse: (text) => Option.filter(wholeNumber(text), (port) => port > 0 && port <= 65535)
}).pipe(Flag.withDefault(34431))

const runner = Command.make(
  "runner",
  {
    ...flags.server(12360),
    runnerHost: flags.hostNamed("runner-host", "Address at which other runners reach this one; default: 127.0.0.1"),
    runnerPort,
    postgres
  },
  Effect.fnUntraced(
    function*({ postgres, runnerHost, runnerPort, ...options }) {
      // The cluster takes long to load, so it is loaded only when it runs.
      const { run } = yield* Effect.promise(() => import("./runner.ts"))
      const address = RunnerAddress.make(Host.formatHost(runnerHost), runnerPort)
      yield* run({ server: yield* flags.serverOptions(options), runner: address, postgres })
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Serve rooms: the first line of a client is NAME ROOM, the others are said there"))

export const rooms = Command.make("rooms").pipe(
  Command.withDescription(
    "Rooms with state, as entities of Effect Cluster over PostgreSQL, that outlive their process"
  ),
  Command.withSubcommands([runner])
)
