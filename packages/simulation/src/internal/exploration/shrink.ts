import * as Effect from "effect/Effect"

/** Tries candidates in their order, and returns the index of the first that still fails; -1 if there is none. */
export type FirstFailing<A, E, R> = (candidates: ReadonlyArray<A>) => Effect.Effect<number, E, R>

/** Its last items, ever more of them: often the faults have no part in a failure, or the last ones alone. */
export const endsOf = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const ends = [list.slice(0, 0)]
  for (let count = 1; count < list.length; count *= 2) ends.push(list.slice(-count))
  return ends
}

/**
 * Leaves out parts of a list for as long as the rest still fails: first all but its end, then the items of one group after
 * the other, then ever smaller parts, by delta debugging (Zeller and Hildebrandt, 2002).
 */
export const shrink = Effect.fnUntraced(function*<A, E, R>(
  list: ReadonlyArray<A>,
  firstFailing: FirstFailing<ReadonlyArray<A>, E, R>,
  groupOf: (item: A) => string = () => ""
): Effect.fn.Return<ReadonlyArray<A>, E, R> {
  const ends = endsOf(list)
  let rest = ends[yield* firstFailing(ends)] ?? list

  // Leaves out each part without which the rest still fails.
  const sweep = Effect.fnUntraced(function*(parts: ReadonlyArray<ReadonlyArray<A>>) {
    let isSmaller = false
    let left = parts
    while (rest.length > 1) {
      // The empty list was tried before.
      left = left.filter((part) => part.length < rest.length)
      const candidates = left.map((part) => rest.filter((item) => !part.includes(item)))
      const index = yield* firstFailing(candidates)
      if (index === -1) break
      rest = candidates[index]!
      left = left.slice(index + 1)
      isSmaller = true
    }
    return isSmaller
  })
  const groups = [...Map.groupBy(rest, groupOf).values()]
  if (groups.length > 1) yield* sweep(groups)
  for (let count = 2; rest.length > 1;) {
    const size = Math.ceil(rest.length / count)
    const parts = Array.from(
      { length: Math.ceil(rest.length / size) },
      (_, at) => rest.slice(at * size, (at + 1) * size)
    )
    const isSmaller = yield* sweep(parts)
    if (!isSmaller && size === 1) break
    count = isSmaller ? Math.max(2, count - 1) : Math.min(rest.length, count * 2)
  }
  return rest
})
