/** `raft`: a replicated key-value store. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { randomUUID } from "node:crypto"
import * as flags from "../cli/flags.ts"
import { duration, path, positiveNumber, setting, wholeNumber } from "../cli/setting.ts"
import { printable } from "../cli/text.ts"
import * as Client from "./client.ts"
import * as Node from "./node.ts"
import type { Operation } from "./protocol.ts"
import * as Storage from "./Storage.ts"

const member = (text: string): Option.Option<readonly [number, string]> => {
  const [, id = "", address = ""] = /^(\d+)=(.+)$/.exec(text.trim()) ?? []
  return Option.filter(
    Option.map(wholeNumber(id), (number) => [number, address] as const),
    ([number]) => number > 0 && Result.isSuccess(Endpoint.parse(address))
  )
}

const members = (name: string, description: string): Flag.Flag<ReadonlyMap<number, string>> =>
  setting(name, {
    metavar: "id=host:port,…",
    description,
    expected: "numbers and addresses such as 2=127.0.0.1:7002,3=127.0.0.1:7003",
    parse: (text) => Option.map(Option.all(text.split(",").map(member)), (all) => new Map(all))
  })

const node = Command.make(
  "node",
  {
    id: positiveNumber("id", "The number of this node, which it keeps for good"),
    host: flags.host,
    port: flags.port(7001),
    peers: members("peers", "The other nodes, none for a store of one").pipe(
      Flag.withDefault(new Map<number, string>())
    ),
    data: path("data", "Folder for the log of this node, raft-ID by default"),
    drain: flags.drain
  },
  ({ data, drain, host, id, peers, port }) =>
    Node.serve({
      id,
      nodes: new Map([...peers, [id, ""]]),
      listen: Endpoint.tcp(host, port),
      electionTimeout: "1 second",
      heartbeat: "100 millis",
      server: { drain, maxConnections: 1000, onListening: flags.printListening }
    }).pipe(
      Effect.provide([Storage.layer(Option.getOrElse(data, () => `raft-${id}`)), NodeNetwork.layer])
    )
).pipe(Command.withDescription("Run one node of a store"))

const client = {
  nodes: members("nodes", "The nodes of the store"),
  timeout: duration("timeout", "How long to look for a leader, 10s by default").pipe(
    Flag.withDefault(Duration.seconds(10))
  )
}

const submit = (
  { nodes, timeout }: { readonly nodes: ReadonlyMap<number, string>; readonly timeout: Duration.Duration },
  operation: Operation
) =>
  Effect.gen(function*() {
    const store = yield* Client.make({ name: randomUUID(), nodes, timeout, answerTimeout: "2 seconds" })
    return yield* store.submit(operation)
  }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))

const key = Argument.String("key")

const get = Command.make(
  "get",
  { ...client, key },
  ({ key, ...flags }) =>
    Effect.flatMap(
      submit(flags, { _tag: "Get", key }),
      (value) => Console.log(printable(new TextEncoder().encode(value)))
    )
).pipe(Command.withDescription("Print a value; an empty line for a key that has none"))

const put = Command.make(
  "put",
  { ...client, key, value: Argument.String("value") },
  ({ key, value, ...flags }) => Effect.asVoid(submit(flags, { _tag: "Put", key, value }))
).pipe(Command.withDescription("Set a value, and return when a majority of the nodes has it on disk"))

export const raft = Command.make("raft").pipe(
  Command.withDescription("A key-value store that is replicated by Raft"),
  Command.withSubcommands([node, get, put])
)
