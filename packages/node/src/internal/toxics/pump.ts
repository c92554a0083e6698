import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { Settings } from "./settings.ts"

// Chunks that wait for their latency to pass; the sender waits while there are more.
const waitingLimit = 64

// With a bandwidth, bytes go in portions that take about this long. Milliseconds.
const portion = 20

/** Bytes that are to be sent at a time; `undefined`: the end of them. */
interface Waiting {
  readonly chunk: Uint8Array | undefined
  readonly at: number
}

/** How the traffic of a connection ended. */
export type Outcome = "ended" | "limited" | "reset"

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const sleepUntil = (at: number): Effect.Effect<void> =>
  Effect.flatMap(now, (now) => at > now ? Effect.sleep(at - now) : Effect.void)

/** Passes on what comes from one connection to another, as the settings say at each moment. */
export const pump = Effect.fnUntraced(function*(
  from: Connection.Connection,
  to: Connection.Connection,
  settings: () => Settings
) {
  const waiting = yield* Queue.bounded<Waiting, NetworkError.NetworkError>(waitingLimit)
  let lastAt = 0
  const enqueue = Effect.fnUntraced(function*(chunk: Uint8Array | undefined) {
    const { jitter, latency } = settings()
    const late = jitter === 0 ? 0 : (yield* Random.next) * jitter
    // Bytes stay in order.
    lastAt = Math.max(lastAt, (yield* now) + latency + late)
    yield* Queue.offer(waiting, { chunk, at: lastAt })
  })
  const reading = Effect.andThen(
    Stream.runForEach(Connection.bytes(from), (chunk) => enqueue(chunk)),
    enqueue(undefined)
  )
  yield* Effect.forkScoped(Effect.onError(reading, (cause) => Queue.failCause(waiting, cause)))
  return yield* write(waiting, to, settings)
}, Effect.scoped)

const write = Effect.fnUntraced(function*(
  waiting: Queue.Dequeue<Waiting, NetworkError.NetworkError>,
  to: Connection.Connection,
  settings: () => Settings
): Effect.fn.Return<Outcome, NetworkError.NetworkError> {
  let sent = 0
  let busyUntil = 0
  while (true) {
    const { at, chunk } = yield* Queue.take(waiting)
    yield* sleepUntil(at)
    if (chunk === undefined) {
      yield* Connection.end(to)
      return "ended"
    }
    let rest = chunk
    while (rest.length > 0) {
      const { bandwidth, limit, resetAfter, slice, timeout } = settings()
      if (timeout !== undefined) {
        yield* Effect.sleep(timeout)
        return "limited"
      }
      const most = Math.min(slice, Math.max(1, Math.floor(bandwidth * portion / 1000)), limit - sent, resetAfter - sent)
      if (most <= 0) return sent >= resetAfter ? "reset" : "limited"
      const part = rest.subarray(0, most)
      rest = rest.subarray(part.length)
      if (bandwidth < Infinity) {
        // Timers are late: the next portion makes up for it.
        busyUntil = Math.max(busyUntil, (yield* now) - portion) + 1000 * part.length / bandwidth
        yield* sleepUntil(busyUntil)
      }
      yield* Connection.write(to, part)
      sent += part.length
      if (sent >= resetAfter) return "reset"
      if (sent >= limit) return "limited"
    }
  }
})
