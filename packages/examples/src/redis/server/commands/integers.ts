/** Whole numbers of 64 bits, as Redis counts. A bigint is only what is beyond 2^53, so that most cost no more than numbers. */
import { Refused } from "../Reply.ts"

export type Int64 = number | bigint

const least = -(2n ** 63n)

const fits = (value: bigint): boolean => BigInt.asIntN(64, value) === value

/** Reads a number, in the one form that it is written in. */
export const toInt64 = (text: string | undefined, otherwise = "value is not an integer or out of range"): Int64 => {
  if (text !== undefined && /^(?:0|-?[1-9]\d{0,18})$/.test(text)) {
    const value = Number(text)
    if (Number.isSafeInteger(value)) return value
    const exact = BigInt(text)
    if (fits(exact)) return exact
  }
  throw new Refused(`ERR ${otherwise}`)
}

export const add = (a: Int64, b: Int64): Int64 => {
  const near = typeof a === "number" && typeof b === "number" ? a + b : Infinity
  if (Number.isSafeInteger(near)) return near
  const sum = BigInt(a) + BigInt(b)
  if (!fits(sum)) throw new Refused("ERR increment or decrement would overflow")
  const value = Number(sum)
  return Number.isSafeInteger(value) ? value : sum
}

export const negate = (value: Int64): Int64 => {
  if (value === least) throw new Refused("ERR decrement would overflow")
  return -value
}
