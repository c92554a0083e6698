import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Guide } from "./guide.ts"
import type { Lane } from "./lane.ts"
import type { Progress } from "./progress.ts"
import type { Trial } from "./trial.ts"

/** When a search ends. */
export interface End {
  readonly until: "failure" | "end"
  /** Milliseconds. */
  readonly within: number
}

/** Runs seeds in lanes until there are enough failures, and returns those that failed, the first of them alone or all. */
export const search = Effect.fnUntraced(function*<E, R>(
  lanes: ReadonlyArray<Lane<E, R>>,
  guide: Guide,
  { until, within }: End,
  progress: Progress
): Effect.fn.Return<ReadonlyArray<Trial>, E, R> {
  const began = yield* Clock.monotonicTimeNanos
  const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - began) / 1e6)
  const failed: Array<Trial & { readonly place: number }> = []
  const results = Latch.makeUnsafe()
  let isOver = false
  // All seeds before one that fails have begun: so the first that fails does not depend on which lane is faster.
  const work = Effect.fnUntraced(function*(lane: Lane<E, R>) {
    while (!isOver) {
      if (guide.isWaiting) {
        yield* Latch.await(results)
        continue
      }
      const next = guide.next()
      if (next === undefined) return
      const { place, seed } = next
      const trial = yield* lane.run({ seed })
      guide.take(place, trial)
      progress.take(trial, yield* elapsed)
      if (trial.failure !== undefined) failed.push({ ...trial, place })
      isOver ||= (trial.failure !== undefined && until === "failure") || (yield* elapsed) >= within
      yield* Latch.release(results)
    }
  })
  yield* Effect.forEach(lanes, work, { concurrency: lanes.length, discard: true })
  progress.end()
  const sorted = failed.sort((a, b) => a.place - b.place)
  return until === "failure" ? sorted.slice(0, 1) : sorted
})
