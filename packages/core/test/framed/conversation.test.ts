import { assert, describe } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Conversation from "@sluice/core/Conversation"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"

const lines = Framing.lines()
const netstrings = Framing.netstring().pipe(Framing.text())
const authority = SimCertificate.authority("Test CA")
const certificate = authority.issue({ names: ["server"] })

/** What follows a message; the peer is the one of the state that the message came in. */
type Step = (message: string) => Conversation.Next | void

/** A conversation whose steps are given; keeps the peers of its states. */
const keeping = (peers: Array<Conversation.Peer<string>>, framing: Framing.Framing<string>, step: Step) =>
  Conversation.state({
    framing,
    onEnter: (peer) => Effect.sync(() => peers.push(peer)),
    onMessage: (message) => Effect.sync(() => step(message))
  })

const serve = Effect.fnUntraced(
  function*(handler: (connection: Connection.Connection) => Effect.Effect<void, unknown>) {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, handler))
    return yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
  }
)

const reasonOf = (sending: Effect.Effect<void, Effect.Error<ReturnType<Conversation.Peer<string>["send"]>>>) =>
  Effect.map(Effect.flip(sending), ({ reason }) => reason._tag)

describe("the peer of a state of a conversation", () => {
  VitestSimulation.it(
    "can be sent to from anywhere, until the conversation changes to another framing",
    Effect.gen(function*() {
      const peers: Array<Conversation.Peer<string>> = []
      const last = keeping(peers, netstrings, () => {})
      const second = keeping(peers, lines, (message) => message === "on" ? Conversation.become(last) : undefined)
      const first = keeping(peers, lines, () => Conversation.become(second))
      const client = yield* serve(Conversation.handler(() => first))

      yield* Connection.writeText(client, "on\n")
      yield* Effect.sleep("1 second")
      // Another state, and the same framing.
      yield* peers[0]!.send("first")
      yield* peers[1]!.send("second")
      yield* Connection.writeText(client, "on\n")
      yield* Effect.sleep("1 second")
      assert.strictEqual(peers.length, 3)
      assert.strictEqual(yield* reasonOf(peers[0]!.send("first")), "Closed")
      assert.strictEqual(yield* reasonOf(peers[1]!.send("second")), "Closed")
      yield* peers[2]!.send("last")
      const expected = "first\nsecond\n4:last,"
      const got = yield* Connection.readExactly(client, expected.length)
      assert.strictEqual(new TextDecoder().decode(got), expected)
    })
  )

  VitestSimulation.it(
    "cannot be sent to in the clear once the conversation is protected",
    Effect.gen(function*() {
      const peers: Array<Conversation.Peer<string>> = []
      const after = keeping(peers, lines, () => {})
      const before = keeping(peers, lines, () => Conversation.secure({ certificates: [certificate] }, after))
      const client = yield* serve(Conversation.handler(() => before))
      yield* Connection.writeText(client, "STARTTLS\n")
      yield* Effect.sleep("1 second")
      yield* Connection.upgradeTls(client, {
        role: "client",
        tls: { authorities: authority.certificate, serverName: "server" }
      })
      yield* Effect.sleep("1 second")
      assert.strictEqual(peers.length, 2)
      assert.strictEqual(yield* reasonOf(peers[0]!.send("in the clear")), "Closed")
      yield* peers[1]!.send("protected")
      const got = yield* Connection.readExactly(client, 10)
      assert.strictEqual(new TextDecoder().decode(got), "protected\n")
    })
  )
})

describe("a conversation that changes its state", () => {
  VitestSimulation.it(
    "leaves nothing on the stack of the connection's fiber, whichever framing is next",
    Effect.gen(function*() {
      const frames: Array<number> = []
      const stateIn = (framing: Framing.Framing<string>, next: () => Conversation.State) =>
        Conversation.state({
          framing,
          onMessage: () =>
            Effect.withFiber((fiber) => {
              frames.push((fiber as unknown as { readonly _stack: ReadonlyArray<unknown> })._stack.length)
              return Effect.succeed(Conversation.become(next()))
            })
        })
      const first = stateIn(lines, () => second)
      const second: Conversation.State = stateIn(lines, () => third)
      const third = stateIn(netstrings, () => first)
      const client = yield* serve(Conversation.handler(() => first))
      const round = "a\nb\n1:c,"
      yield* Connection.writeText(client, round)
      yield* Effect.sleep("1 second")
      yield* Connection.writeText(client, round.repeat(30))
      yield* Effect.sleep("1 second")
      assert.strictEqual(frames.length, 93)
      assert.strictEqual(new Set(frames).size, 1, frames.join(" "))
    })
  )

  VitestSimulation.it(
    "sends what it has said when a state fails as it is entered",
    Effect.gen(function*() {
      const last = Conversation.state({
        framing: lines,
        onEnter: (peer) => Effect.andThen(peer.send("goodbye"), Effect.fail("failed")),
        onMessage: () => Effect.void
      })
      const first = Conversation.state({
        framing: lines,
        onMessage: () => Effect.as(Effect.yieldNow, Conversation.become(last))
      })
      const converse = Conversation.handler(() => first)
      const client = yield* serve((connection) => Effect.catch(converse(connection), () => Connection.end(connection)))
      yield* Connection.writeText(client, "hello\n")
      const got = yield* Connection.readExactly(client, 8)
      assert.strictEqual(new TextDecoder().decode(got), "goodbye\n")
    })
  )
})
