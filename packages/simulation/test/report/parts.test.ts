import {
  SimulationHostFailed,
  SimulationPropertyViolated,
  SimulationUncaught
} from "@sluice/simulation/SimulationError"
import type * as Trace from "@sluice/simulation/Trace"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import { describe, expect, it } from "vitest"
import { failureNote } from "../../src/internal/report/failureNote.ts"
import { fingerprint } from "../../src/internal/report/fingerprint.ts"
import { describeBytes, describeValue } from "../../src/internal/report/html/value.ts"
import { WaitTable } from "../../src/internal/report/html/waitTable.ts"
import { describeFailure, endsProgram, signature } from "../../src/internal/run/failure.ts"

describe("the last record of a run that failed", () => {
  const textOf = (failure: unknown) => failureNote(Cause.fail(failure), 5)?.text

  it("has the first line of what the failure says, bounded", () => {
    expect(failureNote(Cause.die(new Error("lost")), 7)).toEqual({
      _tag: "Note",
      at: 7,
      host: "",
      kind: "failure",
      text: "lost"
    })
    expect([new Error("a\nb"), new TypeError(""), "text", 5, undefined].map(textOf)).toEqual([
      "a",
      "TypeError",
      "text",
      "5",
      "undefined"
    ])
    expect(textOf(new Error("x".repeat(2000)))).toBe("x".repeat(1000))
  })

  it("is not told again where the failure was recorded when it happened", () => {
    expect(textOf(new SimulationHostFailed({ host: "a", at: 1, cause: "why" }))).toBe(undefined)
    expect(textOf(new SimulationPropertyViolated({ property: "p", at: 1, details: "" }))).toBe(undefined)
  })
})

describe("a value on a page", () => {
  it("of bytes is text where all of what is shown is plain, and hexadecimal otherwise", () => {
    const shown = (...bytes: ReadonlyArray<number>) => describeBytes(Uint8Array.from(bytes))
    for (const plain of [9, 10, 13, 32, 126]) {
      expect(shown(97, plain)).toBe(JSON.stringify(`a${String.fromCharCode(plain)}`))
    }
    for (const other of [0, 8, 11, 12, 14, 31, 127, 255]) {
      expect(shown(97, other)).toBe(`61 ${other.toString(16).padStart(2, "0")}`)
    }
    expect([48, 49].map((size) => shown(...new Array<number>(size).fill(97)))).toEqual([
      JSON.stringify("a".repeat(48)),
      `${JSON.stringify("a".repeat(48))}…`
    ])
    expect(shown(...new Array<number>(48).fill(97), 0)).toBe(`${JSON.stringify("a".repeat(48))}…`)
    expect(shown()).toBe("\"\"")
  })

  it("is called by its name, and is bounded in depth, items, fields and text", () => {
    const nested = (depth: number): unknown => depth === 0 ? [1] : { in: nested(depth - 1) }
    const many = (count: number) => Array.from({ length: count }, (_, index) => index)
    const fields = (count: number) => Object.fromEntries(many(count).map((index) => [`k${index}`, index]))
    const items = many(12).join(", ")
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      [{ _tag: "Append", term: 3 }, "Append {term: 3}"],
      [{ type: "a", kind: "b" }, "a {kind: \"b\"}"],
      [{ _tag: 5, op: "c" }, "c {_tag: 5}"],
      [{ f: "d" }, "d"],
      [{}, "{}"],
      [nested(3), "{in: {in: {in: [1]}}}"],
      [nested(4), "{in: {in: {in: {in: [1 items]}}}}"],
      [nested(5), "{in: {in: {in: {in: {…}}}}}"],
      [[[[[{ _tag: "x", y: 1 }]]]], "[[[[x]]]]"],
      [many(12), `[${items}]`],
      [many(13), `[${items}, … 13 in all]`],
      [new Set(many(12)), `Set [${items}]`],
      [new Set(many(14)), `Set [${items}, … 13 in all]`],
      [new Map([[1, 2]]), "Map [[1, 2]]"],
      [fields(12), `{${many(12).map((index) => `k${index}: ${index}`).join(", ")}}`],
      [fields(13), `{${many(12).map((index) => `k${index}: ${index}`).join(", ")}, …}`],
      [new TypeError("odd"), "TypeError: odd"],
      [() => 1, "function"],
      [[null, undefined, 1n, true, new Uint8Array([1])], "[null, undefined, 1, true, 01]"]
    ]
    for (const [value, text] of cases) expect(describeValue(value)).toBe(text)
    expect(describeValue("x".repeat(200), 1000)).toBe(`"${"x".repeat(200)}"`)
    expect(describeValue("x".repeat(201), 1000)).toBe(`"${"x".repeat(200)}…"`)
  })
})

describe("the fingerprint of a large value", () => {
  it("ends when there have been 65,536 characters", () => {
    const after = (size: number) => fingerprint(["x".repeat(size), "behind"]).endsWith(",\"behind\"]")
    expect([65_533, 65_534].map(after)).toEqual([true, false])
    expect(fingerprint(["x".repeat(65_534), 1, 2])).toMatch(/",…,…\]$/)
  })

  it("is that of seven levels, of whatever they are made", () => {
    const levels: Record<string, (inner: unknown) => unknown> = {
      objects: (inner) => ({ inner }),
      lists: (inner) => [inner],
      sets: (inner) => new Set([inner]),
      errors: (inner) => Object.assign(new Error("e"), { inner })
    }
    for (const [name, wrap] of Object.entries(levels)) {
      const nested = (depth: number): unknown => depth === 0 ? "end" : wrap(nested(depth - 1))
      // The fields of an error are a level of their own.
      const most = name === "errors" ? 3 : 7
      const seen = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((depth) => fingerprint(nested(depth)).includes("end"))
      expect([name, seen.at(-1)]).toEqual([name, most])
    }
  })
})

describe("the description of a failed run", () => {
  const failure = { seed: 3, found: 3, schedule: "fifo", elapsed: Duration.millis(5), attempts: 7, injected: 0 }
  const describeWith = (more: object, before: Record<string, number> = {}, report?: string) =>
    describeFailure(
      { ...failure, faults: [], parameters: {}, ...more } as never,
      before,
      Cause.fail(new Error("why")),
      report
    ).split("\n")

  it("says which seed repeats it, and of faults, parameters and a page only where there are some", () => {
    const first = "seed 3 fails after 5 ms; SLUICE_SEED=3 repeats it: why"
    expect(describeWith({})).toEqual([first])
    expect(describeWith({ schedule: "random" })).toEqual([first.replace("fails", "fails in random order")])
    expect(describeWith({ injected: 9, faults: [{ kind: "kill" }] }, {}, "/page.html")).toEqual([
      first,
      "9 faults -> 1, in 7 runs:",
      "  {\"kind\":\"kill\"}",
      "the page to step through it: /page.html"
    ])
    expect(describeWith({ injected: 1, seed: 8 })[1]).toBe("1 fault -> 0 with the seed 8, in 7 runs:")
    expect(describeWith({ parameters: { a: 1, b: 2 } }, { a: 1, b: 5 })).toEqual([first, "parameters: a: 1, b: 5 -> 2"])
    expect(describeWith({ injected: 30, faults: new Array(30).fill(1) })).toHaveLength(22)
  })

  it("is of the same kind as others with the same property or tag, or whose messages differ in numbers", () => {
    const kind = (error: unknown) => signature(Cause.fail(error))
    expect(kind(new SimulationPropertyViolated({ property: "p", at: 1, details: "" }))).toBe("p")
    expect(kind(new SimulationHostFailed({ host: "a", at: 1, cause: "why" }))).toBe("SimulationHostFailed")
    expect(kind(new Error("at 17 of 230"))).toBe("at 0 of 0")
    const [one, many] = ["after 1 byte in 30ms, h2", "after 65,536 bytes in 4ms, h2"].map((text) =>
      kind(new Error(text))
    )
    expect([one, many]).toEqual(["after 0 byte in 0ms, h0", "after 0 byte in 0ms, h0"])
    expect(kind(new Error("x".repeat(300)))).toBe("x".repeat(200))
  })

  it("knows which failures come before the end of the program", () => {
    const errors = [
      new SimulationPropertyViolated({ property: "p", at: 1, details: "" }),
      new SimulationHostFailed({ host: "a", at: 1, cause: "why" }),
      new SimulationUncaught({ host: "a", at: 1, cause: "why" }),
      new Error("e")
    ]
    expect(errors.map((error) => endsProgram(Cause.fail(error)))).toEqual([false, false, false, true])
  })
})

describe("what waits, on a page", () => {
  const wait = (at: number, key: string, state?: string, name = "") =>
    ({ at, key, host: "a", kind: "fiber", name, state, position: at }) as unknown as Trace.Wait
  const tableOf = (since: number, ...waits: ReadonlyArray<Trace.Wait>) => {
    const table = new WaitTable(waits, since)
    for (const [row, { make }] of table.entries.entries()) make(row)
    const { actors, changes, states } = table.data
    return {
      actors: actors.map(({ key, name }) => `${key} ${name}`),
      changes: changes.map(([row, actor, state]) => [row, actors[actor]!.key, states[state]])
    }
  }

  it("is each actor and each text once, and the changes by row", () => {
    const all = [
      wait(1, "1", "sleeps"),
      wait(2, "2", "reads"),
      wait(3, "1"),
      wait(4, "2", "sleeps"),
      wait(5, "1", "reads")
    ]
    expect(tableOf(0, ...all)).toEqual({
      actors: ["1 ", "2 "],
      changes: [[0, "1", "sleeps"], [1, "2", "reads"], [2, "1", ""], [3, "2", "sleeps"], [4, "1", "reads"]]
    })
  })

  it("is an actor more where one has another name", () => {
    expect(tableOf(0, wait(1, "1", "reads", "a"), wait(2, "1", "reads", "b")).actors).toEqual(["1 a", "1 b"])
  })

  it("before the page begins is what was last", () => {
    const all = [wait(1, "1", "sleeps"), wait(2, "1", "reads"), wait(3, "2", "sleeps"), wait(4, "1", "ends")]
    expect(tableOf(4, ...all).changes).toEqual([[0, "1", "reads"], [1, "2", "sleeps"], [2, "1", "ends"]])
    expect(tableOf(3, ...all).changes).toEqual([[0, "1", "reads"], [1, "2", "sleeps"], [2, "1", "ends"]])
    expect(tableOf(5, ...all).changes).toEqual([[0, "1", "ends"], [1, "2", "sleeps"]])
  })
})
