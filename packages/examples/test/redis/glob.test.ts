import { describe, expect, it } from "vitest"
import { glob } from "../../src/redis/server/glob.ts"

describe("a pattern of Redis", () => {
  it.each([
    ["1*9", "1239", "123"],
    ["1?9", "129", "19"],
    ["1[2-48]", "13", "15"],
    ["1[4-2]", "13", "15"],
    ["1[^2]", "13", "12"],
    ["[\\]]1", "]1", "\\1"],
    ["\\*", "*", "1"],
    ["1\\", "1\\", "1"],
    ["[1-", "1", "2"],
    ["*1*2", "1212", "121"],
    ["1**", "1", ""],
    ["[^]", "]", ""],
    ["", "", "1"]
  ])("%s", (pattern, good, bad) => {
    expect([good, bad].map(glob(pattern))).toEqual([true, false])
  })

  it("takes no more memory than its text, of which only that is counted", () => {
    const texts = Array.from({ length: 4 }, (_, index) => "12[3]".repeat(200_000) + index)
    const before = process.memoryUsage().heapUsed
    const tests = texts.map(glob)
    const taken = process.memoryUsage().heapUsed - before
    expect(tests.map((test) => test("123"))).toEqual([false, false, false, false])
    expect(taken).toBeLessThan(4_000_000)
  })
})
