/** A lock that clients take over the network, one line a request: with a bug, and without. */
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** Two clients hold the lock at once. */
export class BothHoldIt extends Data.TaggedError("BothHoldIt")<{ readonly clients: ReadonlyArray<string> }> {
  override readonly message = `${this.clients.join(" and ")} hold the lock at once`
}

const decoder = new TextDecoder()

// The journal is what makes it slow: the answer may be given only once it is written.
const journal = Effect.sleep("2 millis")

const lockServer = (isFixed: boolean) => {
  let isHeld = false
  const take = Effect.gen(function*() {
    if (isHeld) return "held"
    yield* journal
    isHeld = true
    return "yours"
  })
  const once = Semaphore.makeUnsafe(1)
  return Server.layer({ listen: "tcp://0.0.0.0:4000" }, (connection) =>
    Effect.gen(function*() {
      yield* Connection.readUntil(connection, "\n")
      yield* Connection.writeText(connection, `${yield* isFixed ? once.withPermits(1)(take) : take}\n`)
    }))
}

const tryToTake = Effect.scoped(Effect.gen(function*() {
  const connection = yield* Network.connect("lock:4000")
  yield* Connection.writeText(connection, "take\n")
  return decoder.decode(yield* Connection.readUntil(connection, "\n")) === "yours\n"
}))

/** Two clients try to take the lock at about the same time; fails if both get it. */
export const program = (isFixed: boolean) =>
  Effect.gen(function*() {
    const [lock, alice, bob] = yield* SimNetwork.hosts("lock", "alice", "bob")
    for (const client of [alice, bob]) {
      yield* SimNetwork.link(client, lock, { latency: "5 millis", jitter: "20 millis" })
    }
    yield* Host.serve(lock, lockServer(isFixed))
    const [aliceHasIt, bobHasIt] = yield* Effect.all([Host.run(alice, tryToTake), Host.run(bob, tryToTake)], {
      concurrency: 2
    })
    if (aliceHasIt && bobHasIt) return yield* new BothHoldIt({ clients: ["alice", "bob"] })
  })
