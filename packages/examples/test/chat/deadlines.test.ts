import { describe, expect, it } from "@effect/vitest"
import { Deadline, Deadlines } from "../../src/chat/server/Deadlines.ts"

describe("deadlines", () => {
  const make = () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => new Deadline(name)) as [
      Deadline<string>,
      ...Array<Deadline<string>>
    ]
    const deadlines = new Deadlines<string>("1 second")
    for (const [at, deadline] of [a, b!, c!].entries()) deadlines.set(deadline, at)
    return { a, b: b!, c: c!, deadlines }
  }

  it("are due in the order in which they were set", () => {
    const { a, deadlines } = make()
    expect([deadlines.next, deadlines.all]).toEqual([1000, ["a", "b", "c"]])
    deadlines.set(a, 3)
    expect([deadlines.next, deadlines.all]).toEqual([1001, ["b", "c", "a"]])
    expect(deadlines.takeDue(1000)).toEqual([])
    expect(deadlines.takeDue(1002)).toEqual(["b", "c"])
    expect([deadlines.next, deadlines.all, deadlines.size]).toEqual([1003, ["a"], 1])
  })

  it("are in one queue at a time, and in none once they are canceled", () => {
    const { a, b, c, deadlines } = make()
    const others = new Deadlines<string>("2 seconds")
    others.set(b, 10)
    expect([deadlines.all, others.all, others.next]).toEqual([["a", "c"], ["b"], 2010])
    for (const each of [c, a, a, b]) each.cancel()
    expect([deadlines.all, deadlines.size, deadlines.next, others.size]).toEqual([[], 0, Infinity, 0])
    deadlines.set(b, 20)
    expect(deadlines.takeDue(1020)).toEqual(["b"])
  })
})
