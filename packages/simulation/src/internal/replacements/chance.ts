import { builtin } from "../sandbox/builtin.ts"
import type { AnyFunction, Replace } from "../sandbox/patches.ts"
import { current } from "../sandbox/place.ts"
import type { RandomStream } from "../time/random.ts"

const fill = <A extends ArrayBufferView>(random: RandomStream, array: A, from = 0, to = array.byteLength): A => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  for (let index = from; index < to; index++) bytes[index] = random.below(256)
  return array
}

// Version 4 of RFC 9562.
const uuid = (random: RandomStream): string => {
  const bytes = fill(random, new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** A function whose results the seed decides, for code that runs in a simulation. */
const seeded =
  (replacement: (random: RandomStream, ...args: Array<never>) => unknown) => (original: AnyFunction): AnyFunction =>
    function(...args) {
      const place = current()
      return place === undefined
        ? original.apply(this, args)
        : replacement(place.sandbox.random, ...args as Array<never>)
    }

const replaceRandom = (replace: Replace, target: object | undefined) => {
  replace(target, "getRandomValues", seeded((random, array: ArrayBufferView) => fill(random, array)))
  replace(target, "randomUUID", seeded(uuid))
}

/** Random numbers: drawn from the seed, for code that runs in a simulation. */
export const replaceChance = (replace: Replace): void => {
  replace(Math, "random", seeded((random) => random.next()))
  replaceRandom(replace, (globalThis as { readonly crypto?: object }).crypto)
}

type Callback = (error: null, result: unknown) => void

interface Globals {
  readonly Buffer?: { readonly alloc: (size: number) => Uint8Array }
  readonly process: { readonly nextTick: (callback: Callback, ...args: Parameters<Callback>) => void }
}

// Returns the result, or passes it to the callback.
const answer = (callback: Callback | undefined, result: unknown): unknown => {
  if (callback === undefined) return result
  ;(globalThis as unknown as Globals).process.nextTick(callback, null, result)
  return undefined
}

const callbackOf = (args: ReadonlyArray<unknown>): Callback | undefined =>
  args.find((each) => typeof each === "function") as Callback | undefined

const numbersOf = (args: ReadonlyArray<unknown>): ReadonlyArray<number> =>
  args.filter((each) => typeof each === "number")

const fillPart = (random: RandomStream, array: ArrayBufferView | ArrayBuffer, numbers: ReadonlyArray<number>) => {
  const view = ArrayBuffer.isView(array) ? array : new Uint8Array(array)
  const unit = (view as { readonly BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  const from = (numbers[0] ?? 0) * unit
  fill(random, view, from, numbers[1] === undefined ? view.byteLength : from + numbers[1] * unit)
  return array
}

/** The random numbers of `node:crypto`. */
export const replaceNodeChance = (replace: Replace): void => {
  const crypto = builtin("node:crypto") as object | undefined
  const { Buffer } = globalThis as unknown as Globals
  replaceRandom(replace, crypto)
  replace(
    crypto,
    "randomBytes",
    seeded((random, size: number, callback?: Callback) => answer(callback, fill(random, Buffer!.alloc(size))))
  )
  replace(
    crypto,
    "randomFillSync",
    seeded((random, array: ArrayBufferView, ...rest: Array<unknown>) => fillPart(random, array, numbersOf(rest)))
  )
  replace(
    crypto,
    "randomFill",
    seeded((random, array: ArrayBufferView, ...rest: Array<unknown>) =>
      answer(callbackOf(rest), fillPart(random, array, numbersOf(rest)))
    )
  )
  replace(
    crypto,
    "randomInt",
    seeded((random, ...args: Array<unknown>) => {
      const numbers = numbersOf(args)
      const [least, limit] = numbers.length > 1 ? [numbers[0]!, numbers[1]!] : [0, numbers[0]!]
      const wide = random.bits() * 2 ** 16 + (random.bits() >>> 16)
      return answer(callbackOf(args), least + wide % (limit - least))
    })
  )
}
