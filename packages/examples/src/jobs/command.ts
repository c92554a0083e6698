/** `jobs`: a queue of jobs with leases, on disk. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { randomUUID } from "node:crypto"
import * as flags from "../cli/flags.ts"
import { duration, path } from "../cli/setting.ts"
import { printable } from "../cli/text.ts"
import * as client from "./client.ts"
import { serve } from "./server.ts"

const server = Command.make(
  "server",
  {
    host: flags.host,
    port: flags.port(7100),
    data: path("data", "Folder of the queue; default: jobs"),
    lease: duration("lease", "How long a worker has a job, and old jobs wait after a start; default: 30s").pipe(
      Flag.withDefault(Duration.seconds(30))
    ),
    drain: flags.drain
  },
  ({ data, drain, host, lease, port }) =>
    serve({
      path: `${Option.getOrElse(data, () => "jobs")}/jobs.log`,
      lease,
      listen: Endpoint.tcp(host, port),
      server: { drain, maxConnections: 1000, onListening: flags.printListening }
    }).pipe(Effect.provide(NodeNetwork.layer))
).pipe(Command.withDescription("Keep jobs, and give them to workers"))

const to = { host: flags.host, port: flags.port(7100) }
const put = Command.make(
  "put",
  { ...to, jobs: Argument.String("job").pipe(Argument.atLeast(1)) },
  ({ host, jobs, port }) =>
    Effect.forEach(jobs, (job) => client.put({ server: Endpoint.tcp(host, port) }, randomUUID(), job), {
      discard: true
    }).pipe(
      Effect.provide(NodeNetwork.layer)
    )
).pipe(Command.withDescription("Put jobs, and return when they are on the disk of the server"))

const work = Command.make(
  "work",
  {
    ...to,
    takes: duration("takes", "How long a job takes; default: 1s").pipe(Flag.withDefault(Duration.seconds(1)))
  },
  ({ host, port, takes }) =>
    client.work(
      { server: Endpoint.tcp(host, port) },
      ({ work }) => Effect.andThen(Effect.sleep(takes), Console.log(printable(new TextEncoder().encode(work))))
    ).pipe(Effect.provide(NodeNetwork.layer))
).pipe(Command.withDescription("Do jobs: wait, and print them"))

export const jobs = Command.make("jobs").pipe(
  Command.withDescription("A queue of jobs with leases, which survives crashes"),
  Command.withSubcommands([server, put, work])
)
