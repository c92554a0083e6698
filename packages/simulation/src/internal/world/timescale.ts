import type { RandomStream } from "../time/random.ts"

/** The durations that programs sleep for: the timeouts and intervals that a fault has to outlast, or to fall within. */
export class Timescale {
  // The last duration of each magnitude, four of them for each factor of two.
  readonly #durations = new Map<number, number>()

  /** Microseconds. */
  slept(duration: number): void {
    if (duration >= 1 && duration < Infinity) this.#durations.set(Math.floor(4 * Math.log2(duration)), duration)
  }

  /** About as long as one of them; `undefined` if there are none in this range. */
  draw(random: RandomStream, [least, most]: readonly [number, number]): number | undefined {
    const durations = [...this.#durations.values()].filter((each) => each >= least && each <= most)
    if (durations.length === 0) return undefined
    const about = durations[random.below(durations.length)]! * 2 ** (2 * random.next() - 0.5)
    return Math.min(most, Math.max(least, Math.round(about)))
  }
}
