/** The middle of some values: half of them are no greater, half no less. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** How far values lie around their middle: half of the distance from the least to the greatest. */
export const spread = (values: ReadonlyArray<number>): number => (Math.max(...values) - Math.min(...values)) / 2

/**
 * Each value by the one of the same round. A machine that is slow for some seconds is so for both, which makes ratios
 * steadier than what they are made of.
 */
export const ratios = (values: ReadonlyArray<number>, base: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.map((value, round) => value / base[round]!)

/**
 * Between which of the values the true median lies, with a confidence of about 95 %, or with another doubt than 5 %: by
 * their order alone, so that a few values that another program has spoiled do not matter. Of fewer than six values it is
 * their whole range.
 */
export const interval = (values: ReadonlyArray<number>, doubt = 0.05): readonly [low: number, high: number] => {
  const sorted = values.toSorted((a, b) => a - b)
  // That at most `index` of n values lie below the median has the probability of a binomial distribution.
  let below = 0
  let index = 0
  for (let term = 0.5 ** sorted.length; below + term <= doubt / 2; index++) {
    below += term
    term *= (sorted.length - index) / (index + 1)
  }
  const first = Math.max(0, index - 1)
  return [sorted[first]!, sorted[sorted.length - 1 - first]!]
}
