import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type * as Members from "../../src/raft/Members.ts"
import * as Node from "../../src/raft/node.ts"
import { framing } from "../../src/raft/protocol.ts"
import type { State } from "../../src/raft/state.ts"
import * as Storage from "../../src/raft/Storage.ts"

const founders: Members.Members = new Map([1, 2, 3].map((id) => [id, `node${id}:7000`]))

VitestSimulation.it(
  "a leader of a Raft stays the leader while its followers can hear it",
  Effect.gen(function*() {
    const terms = new Set<number>()
    const watch = ({ role, term }: State) => Effect.sync(() => role._tag === "Leader" && terms.add(term))
    for (const id of founders.keys()) {
      const host = yield* SimNetwork.host(`node${id}`, { disk: {} })
      const serve = Node.serve({ id, founders, listen: "tcp://0.0.0.0:7000", watch })
      yield* Host.start(host, Effect.provide(serve, Storage.layer("/raft")))
    }
    yield* Effect.sleep("3 seconds")
    expect(terms.size).toBe(1)
  }),
  { seeds: 3 }
)

VitestSimulation.it(
  "a node of a Raft refuses an answer that nobody asked for, and continues",
  Effect.gen(function*() {
    const [node, client] = yield* SimNetwork.hosts("node", "client")
    const serve = Node.serve({ id: 1, founders: new Map([[1, "node:7000"]]), listen: "tcp://0.0.0.0:7000" })
    yield* Host.start(node, Effect.provide(serve, Storage.layer("/raft")))
    yield* Effect.sleep("1 second")
    const ask = Effect.gen(function*() {
      const framed = yield* Framed.make(yield* Network.connect("node:7000"), framing)
      expect(yield* Framed.request(framed, { _tag: "Done", result: "" })).toEqual({
        _tag: "Refused",
        why: "Done is not a request"
      })
      return yield* Framed.request(framed, {
        _tag: "Submit",
        client: "client",
        sequence: 1,
        operation: { _tag: "Get", key: "key" }
      })
    })
    expect(yield* Host.run(client, Effect.scoped(ask))).toEqual({ _tag: "Done", result: "" })
  })
)
