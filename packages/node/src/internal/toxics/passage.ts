import * as Effect from "effect/Effect"
import { millis, sleepUntil, type Sources } from "./delay.ts"

// With a bandwidth, bytes go in portions that take about this long. Milliseconds.
const portion = 20

/** Why a direction of a connection passes nothing any more: it was closed, or the connection is to be reset. */
export type Verdict = "limited" | "reset"

/** The way out of one direction: slices, paces and counts what passes. */
export class Passage {
  readonly #sources: Sources
  #sent = 0
  #busyUntil = 0

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** Counts bytes that have passed without it. */
  count(bytes: number): void {
    this.#sent += bytes
  }

  /** Writes a chunk as the settings say at each moment. Returns a verdict if nothing may follow. */
  readonly pass = Effect.fnUntraced(function*<E>(
    this: Passage,
    chunk: Uint8Array,
    write: (part: Uint8Array) => Effect.Effect<void, E>
  ): Effect.fn.Return<Verdict | undefined, E> {
    const { clock, settings } = this.#sources
    let rest = chunk
    while (rest.length > 0) {
      const { bandwidth, limit, resetAfter, slice, timeout } = settings()
      if (timeout !== undefined) {
        yield* Effect.sleep(timeout)
        return "limited"
      }
      const left = Math.min(limit, resetAfter) - this.#sent
      const most = Math.min(slice, Math.max(1, Math.floor(bandwidth * portion / 1000)), left)
      if (most <= 0) return this.#sent >= resetAfter ? "reset" : "limited"
      const part = rest.subarray(0, most)
      rest = rest.subarray(part.length)
      if (bandwidth < Infinity) {
        // Timers are late: the next portion makes up for it.
        this.#busyUntil = Math.max(this.#busyUntil, millis(clock) - portion) + 1000 * part.length / bandwidth
        yield* sleepUntil(clock, this.#busyUntil)
      }
      yield* write(part)
      this.#sent += part.length
      if (this.#sent >= resetAfter) return "reset"
      if (this.#sent >= limit) return "limited"
    }
    return undefined
  })
}
