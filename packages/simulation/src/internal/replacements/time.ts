import type { Replace } from "../sandbox/patches.ts"
import { current, type Place } from "../sandbox/place.ts"

/** Milliseconds since the epoch, as the code that runs now sees them. */
const wall = (place: Place): number => place.sandbox.clock?.currentTimeMillisUnsafe() ?? place.pace.wall

const nanos = (place: Place): bigint =>
  place.sandbox.clock?.monotonicTimeNanosUnsafe() ?? BigInt(Math.round(place.pace.monotonic * 1000))

const millis = (place: Place): number =>
  place.sandbox.clock === undefined ? place.pace.monotonic / 1000 : Number(nanos(place)) / 1e6

type Hrtime = ((before?: readonly [number, number]) => [number, number]) & { readonly bigint: () => bigint }

interface Global {
  readonly performance?: object
  readonly process?: object
}

/** Clocks: virtual time, for code that runs in a simulation. */
export const replaceTime = (replace: Replace): void => {
  const { performance, process } = globalThis as Global
  replace(globalThis, "Date", (RealDate: DateConstructor) => {
    const now = () => {
      const place = current()
      return place === undefined ? RealDate.now() : wall(place)
    }
    return new Proxy(RealDate, {
      construct: (target, args, newTarget) => {
        const place = args.length === 0 ? current() : undefined
        return Reflect.construct(target, place === undefined ? args : [wall(place)], newTarget) as object
      },
      apply: () => new RealDate(now()).toString(),
      get: (target, key) => key === "now" ? now : Reflect.get(target, key) as unknown
    })
  })
  replace(performance, "now", (original: () => number) => () => {
    const place = current()
    return place === undefined ? original.call(performance) : millis(place)
  })
  const timeOrigin = (original: number) => () => {
    const place = current()
    return place === undefined ? original : wall(place) - millis(place)
  }
  replace(performance, "timeOrigin", timeOrigin, "computed")
  replace(process, "hrtime", (original: Hrtime) => {
    const bigint = () => {
      const place = current()
      return place === undefined ? original.bigint() : nanos(place)
    }
    const hrtime = (before?: readonly [number, number]): [number, number] => {
      if (current() === undefined) return original(before)
      const since = bigint() - (before === undefined ? 0n : BigInt(before[0]) * 1_000_000_000n + BigInt(before[1]))
      return [Number(since / 1_000_000_000n), Number(since % 1_000_000_000n)]
    }
    return Object.assign(hrtime, { bigint })
  })
}
