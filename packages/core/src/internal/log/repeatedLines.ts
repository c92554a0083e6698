import * as SafeText from "@sluice/framing/SafeText"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as LogLevel from "effect/LogLevel"
import { count } from "../text/plural.ts"

/** A line of the log. */
export interface Line {
  readonly level: LogLevel.Severity
  /** Lines of one kind within a second are summed up. */
  readonly kind: string
  readonly message: string
  readonly cause?: Cause.Cause<unknown> | undefined
  readonly annotations: Readonly<Record<string, unknown>>
}

interface Repeats {
  last: Line
  count: number
}

/** Kinds that are told apart within a second, so that a peer that invents kinds floods nothing. */
const kinds = 32

/**
 * Writes lines to the log: the first of a kind at once, and the number of others at the end of each second in which there
 * were any.
 */
export class RepeatedLines {
  readonly #repeats = new Map<string, Repeats>()
  readonly #flushed = Latch.makeUnsafe(false)

  /** Writes a line, or counts it. */
  write(line: Line): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#flushed.isOpen()) return write(line, "")
      const kind = this.#repeats.has(line.kind) || this.#repeats.size < kinds ? line.kind : ""
      const known = this.#repeats.get(kind)
      if (known !== undefined) {
        known.last = line
        known.count++
        return Effect.void
      }
      const repeats: Repeats = { last: line, count: 0 }
      this.#repeats.set(kind, repeats)
      return Effect.andThen(write(line, ""), Effect.forkDetach(this.#summarize(kind, repeats)))
    })
  }

  // Until a second passes without another.
  #summarize(kind: string, repeats: Repeats): Effect.Effect<void> {
    return Effect.flatMap(Effect.raceFirst(Effect.sleep("1 second"), this.#flushed.await), () => {
      if (repeats.count > 0) return Effect.andThen(this.#tell(repeats), this.#summarize(kind, repeats))
      this.#repeats.delete(kind)
      return Effect.void
    })
  }

  #tell(repeats: Repeats): Effect.Effect<void> {
    const { count: more, last } = repeats
    repeats.count = 0
    return write(last, ` … and ${count(more)} more in the last second`)
  }

  /** Writes what is left to sum up, and sums up nothing from then on. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() => {
    const left = Array.from(this.#repeats.values()).filter((repeats) => repeats.count > 0)
    return Effect.andThen(
      Effect.forEach(left, (repeats) => this.#tell(repeats), { discard: true }),
      this.#flushed.open
    )
  })
}

const write = ({ annotations, cause, level, message }: Line, more: string): Effect.Effect<void> => {
  const text = SafeText.escape(message, { limit: 2000 }) + more
  const entry = cause === undefined || more !== ""
    ? Effect.logWithLevel(level)(text)
    : Effect.logWithLevel(level)(text, cause)
  return Effect.annotateLogs(entry, annotations as Record<string, unknown>)
}
