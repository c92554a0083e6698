import { expect, it } from "@effect/vitest"
import { add, type Int64, negate, toInt64 } from "../../src/redis/server/commands/integers.ts"

const largest = 2n ** 63n - 1n
const edges = [0n, 2n ** 53n, -(2n ** 53n), largest, -largest - 1n].flatMap((edge) =>
  [-2n, -1n, 0n, 1n, 2n].map((by) => edge + by)
)
const fits = (value: bigint) => -largest - 1n <= value && value <= largest
const inside = edges.filter(fits)

/** A bigint only beyond the safe integers. */
const exact = (value: bigint): Int64 => Number.isSafeInteger(Number(value)) ? Number(value) : value
const valueOr = (value: bigint, refusal: string) => fits(value) ? exact(value) : refusal

const outcome = (run: () => Int64): Int64 | string => {
  try {
    return run()
  } catch (error) {
    return error instanceof Error ? error.message : ""
  }
}

const notInteger = "ERR value is not an integer or out of range"

it("reads whole numbers of 64 bits in the one form that they are written in", () => {
  for (const value of edges) expect(outcome(() => toInt64(String(value)))).toBe(valueOr(value, notInteger))
  for (const text of ["", "01", "-0", "+1", " 1", "1.0", "0x1", undefined]) {
    expect(outcome(() => toInt64(text))).toBe(notInteger)
  }
})

it("adds exactly, and refuses what 64 bits do not hold", () => {
  for (const a of inside) {
    for (const b of inside) {
      const sum = outcome(() => add(exact(a), exact(b)))
      expect(sum).toBe(valueOr(a + b, "ERR increment or decrement would overflow"))
    }
  }
})

it("negates all numbers but the smallest", () => {
  for (const value of inside) {
    const negated = outcome(() => add(0, negate(exact(value))))
    expect(negated).toBe(valueOr(-value, "ERR decrement would overflow"))
  }
})
