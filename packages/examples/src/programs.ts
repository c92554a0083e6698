/** The programs: `npm run -s example -- NAME ROLE [flags]`. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import manifest from "../package.json" with { type: "json" }
import * as boundedConsole from "./cli/boundedConsole.ts"
import * as log from "./cli/log.ts"
import { presenter } from "./cli/presenter.ts"

// Each loads what it needs, and only the one that is asked for is loaded; the help wants them all.
const programs = {
  hello: async () => (await import("./hello/command.ts")).hello,
  echo: async () => (await import("./echo/command.ts")).echo,
  udp: async () => (await import("./udp/command.ts")).udp,
  framing: async () => (await import("./framing/command.ts")).framing,
  chat: async () => (await import("./chat/command.ts")).chat,
  rooms: async () => (await import("./rooms/command.ts")).rooms,
  rpc: async () => (await import("./rpc/command.ts")).rpc,
  metrics: async () => (await import("./metrics/command.ts")).metrics,
  raft: async () => (await import("./raft/command.ts")).raft,
  jobs: async () => (await import("./jobs/command.ts")).jobs,
  relay: async () => (await import("./relay/command.ts")).relay,
  dns: async () => (await import("./dns/command.ts")).dns,
  socks: async () => (await import("./socks/command.ts")).socks,
  files: async () => (await import("./files/command.ts")).files,
  mqtt: async () => (await import("./mqtt/command.ts")).mqtt,
  redis: async () => (await import("./redis/command.ts")).redis,
  certificates: async () => (await import("./certificates/command.ts")).certificates,
  demo: async () => (await import("./demo/demo.ts")).demo
}

const isProgram = (name: string): name is keyof typeof programs => Object.hasOwn(programs, name)
const [name = ""] = process.argv.slice(2)
const loaders = isProgram(name) ? [programs[name]] : Object.values(programs)
const commands = await Promise.all(loaders.map((load) => load()))

const example = Command.make("example").pipe(
  Command.withDescription("Example programs"),
  Command.withSubcommands(commands)
)

const console = boundedConsole.make(process.stdout, process.stderr)

Command.run(example, { version: manifest.version }).pipe(
  Effect.provideService(CliOutput.Presenter, presenter),
  Effect.provideService(Console.Console, console),
  Effect.provide([NodeServices.layer, log.layer]),
  NodeProgram.run
)
