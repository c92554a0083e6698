import type { RandomStream } from "../time/random.ts"
import type { Kind } from "../world/faultDescription.ts"
import { linkFaults } from "../world/faultKinds.ts"
import type { Timescale } from "../world/timescale.ts"

/** Which hosts a fault of links separates from its target. "near" hosts may be targets too, "far" hosts may not. */
export type Shape = "near" | "oneNear" | "halfNear" | "all" | "far" | "oneFar" | "half"

/** What to inject, when, where and for how long. Times are in microseconds. */
export interface Tactic {
  readonly kind: Kind
  /**
   * The fault waits for a packet, and strikes at its sender or its receiver after `delay`. The lower `rarity`, the rarer
   * the packet.
   */
  readonly packet: { readonly rarity: number; readonly delay: number; readonly at: "from" | "to" } | undefined
  readonly aim: "busiest" | "any"
  readonly shape: Shape
  readonly isSwapped: boolean
  /** Whether a fault of links affects only the link of the packet. */
  readonly isOneLink: boolean
  /** Whether it stops all targets together. */
  readonly isBlackout: boolean
  readonly lasts: number
}

// How often a kind is drawn, relative to the others. Default: 1.
const weights: Partial<Record<Kind, number>> = {
  crash: 8,
  kill: 6,
  stop: 3,
  partition: 6,
  partitionOneWay: 4,
  hold: 3,
  pause: 6,
  lossy: 4,
  slow: 3,
  turns: 2,
  slowDisk: 2,
  stallDisk: 2,
  failSyncs: 2
}

// Time from a packet to a fault, in microseconds.
const afterPacket = [200, 50_000] as const

// The share of stops that stop all targets together.
const blackouts = 0.15

export const stopping: ReadonlySet<Kind> = new Set(["crash", "kill", "stop"])

/** Each kind as many times as its weight. */
export const weighted = (kinds: ReadonlyArray<Kind>): ReadonlyArray<Kind> =>
  kinds.flatMap((kind) => Array.from({ length: weights[kind] ?? 1 }, () => kind))

/** Draws a tactic. */
export const draw = (
  random: RandomStream,
  kinds: ReadonlyArray<Kind>,
  lasts: readonly [number, number],
  timescale: Timescale
): Tactic => {
  const pick = <A>(all: ReadonlyArray<A>): A => all[random.below(all.length)]!
  const kind = pick(kinds)
  const isStop = stopping.has(kind)
  const chance = (probability: number) => random.chance(probability)
  const about = (range: readonly [number, number]) =>
    (chance(0.5) ? timescale.draw(random, range) : undefined) ?? between(random, range)
  const quick = [lasts[0], Math.min(lasts[1], 5 * lasts[0])] as const
  return {
    kind,
    packet: chance(0.6)
      ? {
        rarity: 4 * 2 ** (-8 * random.next()),
        delay: chance(0.3) ? 0 : about(afterPacket),
        at: chance(0.6) ? "to" : "from"
      }
      : undefined,
    aim: chance(0.5) ? "busiest" : "any",
    shape: pick(["near", "oneNear", "halfNear", "near", "oneNear", "halfNear", "all", "far", "oneFar", "half"]),
    isSwapped: kind === "partitionOneWay" && chance(0.5),
    isOneLink: kind in linkFaults && chance(0.25),
    isBlackout: isStop && chance(blackouts),
    // A quick restart comes before the other hosts notice. Other faults last about as long as programs sleep, or any time.
    lasts: isStop && chance(0.5)
      ? between(random, quick)
      : about(lasts)
  }
}

/** Draws a time from a range. Each order of magnitude is equally likely. */
export const between = (random: RandomStream, [least, most]: readonly [number, number]): number =>
  Math.round(Math.max(1, least) * (Math.max(1, most) / Math.max(1, least)) ** random.next())
