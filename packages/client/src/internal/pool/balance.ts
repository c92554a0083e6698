import type { Channel } from "./channel.ts"
import type { Target } from "./target.ts"

/** A source of numbers from 0 to below 1. */
export interface Chance {
  readonly nextDoubleUnsafe: () => number
}

// An endpoint with weight 0 has a very small chance of being chosen (RFC 2782).
const leastWeight = 0.01

/**
 * The connection for the next request: of the working endpoints with the best priority, the one with the fewest requests in
 * flight for its weight, and there the connection with the fewest. Among equals, chance decides by weight. Endpoints that do
 * not work are the last resort.
 */
export const choose = <Out, In, E>(
  targets: ReadonlyArray<Target<Out, In, E>>,
  random: Chance
): Channel<Out, In, E> | undefined => {
  if (targets.length === 1) return targets[0]!.idlest
  let best: { readonly channel: Channel<Out, In, E>; readonly rank: Rank } | undefined
  let weights = 0
  for (const target of targets) {
    const channel = target.idlest
    if (channel === undefined) continue
    const weight = Math.max(target.weight, leastWeight)
    const rank: Rank = [target.isTrusted ? 0 : 1, target.priority, target.pending / weight]
    const order = best === undefined ? -1 : compare(rank, best.rank)
    if (order > 0) continue
    weights = order < 0 ? weight : weights + weight
    if (order < 0 || random.nextDoubleUnsafe() * weights < weight) best = { channel, rank }
  }
  return best?.channel
}

/** Not trusted or trusted, the priority, and the load. Less is better. */
type Rank = readonly [distrust: number, priority: number, load: number]

const compare = (a: Rank, b: Rank): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
