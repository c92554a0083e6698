import { SimulationHostFailed, SimulationPropertyViolated } from "@sluice/simulation/SimulationError"
import type * as Trace from "@sluice/simulation/Trace"
import * as Cause from "effect/Cause"
import { describe, expect, it } from "vitest"
import { failureNote } from "../../src/internal/report/failureNote.ts"
import { WaitTable } from "../../src/internal/report/html/waitTable.ts"

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
