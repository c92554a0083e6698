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
import { BadFlag } from "../cli/BadFlag.ts"
import * as flags from "../cli/flags.ts"
import { duration, path, positiveNumber, setting, wholeNumber } from "../cli/setting.ts"
import { printable } from "../cli/text.ts"
import * as Client from "./client.ts"
import * as Members from "./Members.ts"
import * as Node from "./node.ts"
import type { Operation } from "./protocol.ts"
import * as Storage from "./Storage.ts"

const nodeId = (text: string): Option.Option<number> => Option.filter(wholeNumber(text), (number) => number > 0)

const member = (text: string): Option.Option<readonly [number, string]> => {
  const [, id = "", address = ""] = /^(\d+)=(.+)$/.exec(text.trim()) ?? []
  return Option.filter(
    Option.map(nodeId(id), (number) => [number, address] as const),
    () => Result.isSuccess(Endpoint.parse(address))
  )
}

const members = (name: string, description: string): Flag.Flag<Members.Members> =>
  setting(name, {
    metavar: "id=host:port,…",
    description,
    expected: "numbers and addresses such as 1=127.0.0.1:7001,2=127.0.0.1:7002",
    parse: (text) => Option.map(Option.all(text.split(",").map(member)), (all) => new Map(all))
  })

const node = Command.make(
  "node",
  {
    id: positiveNumber("id", "The number of this node, which it keeps for good"),
    host: flags.host,
    port: flags.port(7001),
    members: members(
      "members",
      "The first members of a new store, alike on all of them; without, the node waits until it is added"
    ).pipe(Flag.withDefault(Members.none)),
    data: path("data", "Folder for the log of this node, raft-ID by default"),
    drain: flags.drain
  },
  Effect.fnUntraced(function*({ data, drain, host, id, members, port }) {
    if (members.size > 0 && !members.has(id)) {
      return yield* new BadFlag({
        message: `--members lacks node ${id} itself; name all first members on each of them`
      })
    }
    return yield* Node.serve({
      id,
      founders: members,
      listen: Endpoint.tcp(host, port),
      electionTimeout: "1 second",
      heartbeat: "100 millis",
      server: { drain, maxConnections: 1000, onListening: flags.printListening }
    }).pipe(
      Effect.provide([Storage.layer(Option.getOrElse(data, () => `raft-${id}`)), NodeNetwork.layer])
    )
  })
).pipe(Command.withDescription("Run one node of a store"))

const client = {
  nodes: members("nodes", "Nodes of the store"),
  timeout: duration("timeout", "How long to look for a leader, 10s by default").pipe(
    Flag.withDefault(Duration.seconds(10))
  )
}

const submit = (
  { nodes, timeout }: { readonly nodes: Members.Members; readonly timeout: Duration.Duration },
  operation: Operation
) =>
  Effect.gen(function*() {
    const store = yield* Client.make({
      name: randomUUID(),
      nodes: [...nodes.values()],
      timeout,
      answerTimeout: "2 seconds"
    })
    return yield* store.submit(operation)
  }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))

const print = (text: string) => Console.log(printable(new TextEncoder().encode(text)))

const key = Argument.String("key")

const get = Command.make(
  "get",
  { ...client, key },
  ({ key, ...flags }) => Effect.flatMap(submit(flags, { _tag: "Get", key }), print)
).pipe(Command.withDescription("Print a value; an empty line for a key that has none"))

const put = Command.make(
  "put",
  { ...client, key, value: Argument.String("value") },
  ({ key, value, ...flags }) => Effect.asVoid(submit(flags, { _tag: "Put", key, value }))
).pipe(Command.withDescription("Set a value, and return when a majority of the nodes has it on disk"))

const add = Command.make(
  "add",
  {
    ...client,
    member: Argument.String("id=host:port").pipe(
      Argument.filterMap(member, () => "Expected a number and an address such as 4=127.0.0.1:7004")
    )
  },
  ({ member: [id, address], ...flags }) => Effect.flatMap(submit(flags, { _tag: "Add", id, address }), print)
).pipe(Command.withDescription("Add a node that was started without members, and print all members"))

const remove = Command.make(
  "remove",
  {
    ...client,
    id: Argument.String("id").pipe(Argument.filterMap(nodeId, () => "Expected the number of a node"))
  },
  ({ id, ...flags }) => Effect.flatMap(submit(flags, { _tag: "Remove", id }), print)
).pipe(Command.withDescription("Remove a node, which can then be stopped, and print all members"))

export const raft = Command.make("raft").pipe(
  Command.withDescription("A key-value store that is replicated by Raft"),
  Command.withSubcommands([node, get, put, add, remove])
)
