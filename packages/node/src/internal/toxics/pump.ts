import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Delay, sleepUntil } from "./delay.ts"
import { Passage, type Verdict } from "./passage.ts"
import type { Settings } from "./settings.ts"

// Chunks that wait for their latency to pass; the sender waits while there are more.
const waitingLimit = 64

/** Bytes that are to be sent at a time; `undefined`: the end of them. */
interface Waiting {
  readonly chunk: Uint8Array | undefined
  readonly at: number
}

/** How the traffic of a connection ended. */
export type Outcome = "ended" | Verdict

/** Passes on what comes from one connection to another, as the settings say at each moment. */
export const pump = Effect.fnUntraced(function*(
  from: Connection.Connection,
  to: Connection.Connection,
  settings: () => Settings
): Effect.fn.Return<Outcome, NetworkError.NetworkError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const sources = { clock, random: yield* Random.Random, settings }
  const waiting = yield* Queue.bounded<Waiting, NetworkError.NetworkError>(waitingLimit)
  const delay = new Delay(sources)
  const enqueue = (chunk: Uint8Array | undefined) =>
    Effect.suspend(() => Queue.offer(waiting, { chunk, at: delay.next() }))
  const reading = Effect.andThen(Stream.runForEach(Connection.bytes(from), enqueue), enqueue(undefined))
  yield* Effect.forkScoped(Effect.onError(reading, (cause) => Queue.failCause(waiting, cause)))
  const passage = new Passage(sources)
  while (true) {
    const { at, chunk } = yield* Queue.take(waiting)
    yield* sleepUntil(clock, at)
    if (chunk === undefined) {
      yield* Connection.end(to)
      return "ended"
    }
    const verdict = yield* passage.pass(chunk, (part) => Connection.write(to, part))
    if (verdict !== undefined) return verdict
  }
}, Effect.scoped)
