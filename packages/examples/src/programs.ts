/** The programs: `npm run -s example -- NAME ROLE [flags]`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import manifest from "../package.json" with { type: "json" }
import { certificates } from "./certificates/command.ts"
import { chat } from "./chat/command.ts"
import * as boundedConsole from "./cli/boundedConsole.ts"
import * as exit from "./cli/exit.ts"
import * as log from "./cli/log.ts"
import { demo } from "./demo/demo.ts"
import { dns } from "./dns/command.ts"
import { echo } from "./echo/command.ts"
import { framing } from "./framing/command.ts"
import { hello } from "./hello/command.ts"
import { metrics } from "./metrics/command.ts"
import { relay } from "./relay/command.ts"
import { rpc } from "./rpc/command.ts"
import { udp } from "./udp/command.ts"

const example = Command.make("example").pipe(
  Command.withDescription("Example programs"),
  Command.withSubcommands([hello, echo, udp, framing, chat, rpc, metrics, relay, dns, certificates, demo])
)

exit.listenForSignals()
const console = boundedConsole.make(process.stdout, process.stderr)

Command.run(example, { version: manifest.version }).pipe(
  exit.printFailure,
  Effect.provideService(CliOutput.Presenter, exit.presenter),
  Effect.provideService(Console.Console, console),
  Effect.provide([NodeServices.layer, log.layer]),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: exit.teardown })
)
