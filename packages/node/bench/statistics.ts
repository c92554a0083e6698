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
