import * as Effect from "effect/Effect"

/** A smaller list that still fails, and how many runs that took. */
export interface Shrunk<A, R> {
  readonly list: ReadonlyArray<A>
  readonly run: R | undefined
  readonly runs: number
}

/**
 * Delta debugging (Zeller and Hildebrandt, 2002): leaves out parts of a list, ever smaller ones, for as long as `attempt`
 * with the rest still fails, which it says by a run.
 */
export const shrink = Effect.fnUntraced(function*<A, R, E, S>(
  list: ReadonlyArray<A>,
  attempt: (list: ReadonlyArray<A>) => Effect.Effect<R | undefined, E, S>,
  limit: number
): Effect.fn.Return<Shrunk<A, R>, E, S> {
  const found: { list: ReadonlyArray<A>; run: R | undefined; runs: number } = { list, run: undefined, runs: 0 }
  const mayTry = () => found.runs < limit
  const tryWith = Effect.fnUntraced(function*(part: ReadonlyArray<A>) {
    found.runs++
    const run = yield* attempt(part)
    if (run === undefined) return false
    found.list = part
    found.run = run
    return true
  })
  // Often the faults have no part in it.
  if (!(yield* tryWith(list)) || (yield* tryWith([]))) return found
  let parts = 2
  while (found.list.length > 1 && mayTry()) {
    const size = Math.ceil(found.list.length / parts)
    let smaller = false
    let at = 0
    while (at < found.list.length && mayTry()) {
      const rest = [...found.list.slice(0, at), ...found.list.slice(at + size)]
      if (rest.length > 0 && (yield* tryWith(rest))) smaller = true
      else at += size
    }
    if (!smaller && size === 1) break
    parts = smaller ? Math.max(2, parts - 1) : Math.min(found.list.length, parts * 2)
  }
  return found
})
