import { assert, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Framing from "../src/Framing.ts"

class Point {
  readonly x: number
  constructor(x: number) {
    this.x = x
  }
}

class Custom {
  toJSON(): string {
    return "custom"
  }
}

const json = Framing.lines().pipe(Framing.json())

it("F2: values that come back from JSON as they are, are sent, and no others", () => {
  const kept: ReadonlyArray<unknown> = [
    null,
    true,
    "",
    -1.5,
    [],
    [[1], {}],
    { a: { b: [null] }, c: undefined },
    new Point(1),
    Object.assign(Object.create(null), { a: 1 })
  ]
  for (const value of kept) {
    const chunks = Result.getOrThrow(Framing.encodeAll(json, [value as never]))
    assert.deepStrictEqual(
      Result.getOrThrow(Framing.decodeAll(json, chunks)),
      [JSON.parse(JSON.stringify(value)) as unknown]
    )
  }
  const lost: ReadonlyArray<unknown> = [
    undefined,
    () => 1,
    Symbol("a"),
    1n,
    NaN,
    Infinity,
    -0,
    new Date(0),
    new Map([[1, 2]]),
    new Set([1]),
    /a/,
    new Custom(),
    new Uint8Array(2),
    // oxlint-disable-next-line no-sparse-arrays
    [, 1],
    [undefined]
  ]
  for (const value of lost) {
    for (const wrapped of value === undefined ? [value, [value]] : [value, [value], { a: { b: value } }]) {
      const result = Framing.encodeAll(json, [wrapped as never])
      assert.isTrue(Result.isFailure(result), `${Object.prototype.toString.call(value)} ${String(value)}`)
    }
  }
})
