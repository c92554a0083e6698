import * as Clock from "effect/Clock"
import * as Fiber from "effect/Fiber"
import type { RandomStream } from "./random.ts"

/** A call of something that never answers within a simulation. */
export interface AmbientCall {
  /** `"setTimeout"` */
  readonly name: string
  /** The line of the caller's stack. */
  readonly caller: string
}

interface Crypto {
  readonly getRandomValues: (array: ArrayBufferView) => ArrayBufferView
  readonly randomUUID: () => string
}

interface Platform {
  Date: DateConstructor
  readonly Math: { random: () => number }
  readonly Error: { stackTraceLimit?: number }
  readonly performance?: { now: () => number }
  readonly crypto?: Crypto
  readonly [name: string]: unknown
}

// Enough to see that there are more.
const limit = 100

const timers = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const

/**
 * Runs something synchronous while the seed decides `Math.random` and `crypto`, and virtual time `Date` and
 * `performance.now`. Timers of the platform stay; who starts one is recorded, because they fire only after the run.
 */
export const withAmbient = <A>(
  clock: Clock.Clock,
  random: RandomStream,
  run: (calls: ReadonlyArray<AmbientCall>) => A
): A => {
  const platform = globalThis as unknown as Platform
  const calls: Array<AmbientCall> = []
  const undo: Array<() => void> = []
  const replace = (target: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(target, name)
    if (before?.configurable === false) return
    Object.defineProperty(target, name, {
      configurable: true,
      writable: true,
      enumerable: before?.enumerable ?? false,
      value
    })
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, name)
      else Object.defineProperty(target, name, before)
    })
  }
  const current = () => Fiber.getCurrent()?.getRef(Clock.Clock) ?? clock
  const millis = () => current().currentTimeMillisUnsafe()
  const RealDate = platform.Date
  replace(
    platform,
    "Date",
    new Proxy(RealDate, {
      construct: (target, args, newTarget) =>
        Reflect.construct(target, args.length === 0 ? [millis()] : args, newTarget),
      apply: () => new RealDate(millis()).toString(),
      get: (target, key) => key === "now" ? millis : Reflect.get(target, key)
    })
  )
  replace(platform.Math, "random", () => random.next())
  if (platform.performance !== undefined) {
    replace(platform.performance, "now", () => Number(current().monotonicTimeNanosUnsafe()) / 1e6)
  }
  if (platform.crypto !== undefined) {
    const fill = (array: ArrayBufferView) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      for (let index = 0; index < bytes.length; index++) bytes[index] = random.below(256)
      return array
    }
    replace(platform.crypto, "getRandomValues", fill)
    replace(platform.crypto, "randomUUID", () => uuid(fill(new Uint8Array(16)) as Uint8Array))
  }
  for (const name of timers) {
    const original = platform[name] as ((...args: ReadonlyArray<unknown>) => unknown) | undefined
    if (original === undefined) continue
    replace(platform, name, (...args: ReadonlyArray<unknown>) => {
      if (calls.length < limit) calls.push({ name, caller: callerOf() })
      return original(...args)
    })
  }
  try {
    return run(calls)
  } finally {
    for (const each of undo.reverse()) each()
  }
}

// The first line of the stack that is neither this file's nor Effect's.
const callerOf = (): string =>
  (new Error().stack ?? "").split("\n").slice(1).map((line) => line.trim())
    .find((line) => !line.includes("/time/ambient.") && !/[/\\]effect[/\\](dist|src)[/\\]/.test(line)) ??
    "an unknown caller"

// Version 4 of RFC 9562.
const uuid = (bytes: Uint8Array): string => {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
