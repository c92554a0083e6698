import { describe, expect, it } from "vitest"
import { located } from "../../src/internal/report/located.ts"
import * as SimulationError from "../../src/SimulationError.ts"

const fiber = (id: number, awaitsPromise = false) => ({ id, host: "", name: `fiber ${id}`, awaitsPromise })
const nothing = { at: 1500, fibers: [], sockets: [], calls: [], isSynchronous: true }
const fibers = (count: number) => Array.from({ length: count }, (_, id) => fiber(id))

describe("the report of a run that does not end", () => {
  it("lists what waits, each with its reason, and has no list of nothing", () => {
    const { message } = new SimulationError.SimulationDeadlock({
      at: 1500,
      fibers: [fiber(1), fiber(2)],
      sockets: [{ host: "server", name: "tcp 0.0.0.0:7, LISTEN", waitsFor: "waits for connections" }],
      calls: [{ name: "setTimeout", caller: "at program.ts:1" }],
      isSynchronous: true
    })
    const [first, ...lines] = message.split("\n")
    expect(first).toContain("1500 ms")
    expect(first).not.toContain("promise")
    expect(lines).toEqual([
      "fibers:",
      "  fiber 1",
      "  fiber 2",
      "sockets:",
      "  server: tcp 0.0.0.0:7, LISTEN: waits for connections",
      expect.stringMatching(/^timers and callbacks of the platform.*:$/),
      "  setTimeout at program.ts:1"
    ])
    expect(new SimulationError.SimulationDeadlock(nothing).message.split("\n")).toHaveLength(1)
  })

  it("blames a promise where one is awaited, and marks the fiber", () => {
    const { message } = new SimulationError.SimulationDeadlock({ ...nothing, fibers: [fiber(1), fiber(2, true)] })
    expect(message).toMatch(/^the program awaits a promise at 1500 ms/)
    const lines = message.split("\n").slice(1)
    expect(lines).toEqual(["fibers:", "  fiber 1", "  fiber 2: waits for a promise"])
    // With the event loop, the promise is not to blame: nothing resolves it.
    const waiting = { ...nothing, fibers: [fiber(1), fiber(2, true)], isSynchronous: false }
    const report = new SimulationError.SimulationDeadlock(waiting).message.split("\n")
    expect(report[0]).toMatch(/^the simulation is stuck at 1500 ms/)
    expect(report.slice(1)).toEqual(lines)
  })

  it("says until when fibers sleep", () => {
    const all = [{ ...fiber(1), sleepsUntil: 2500 }, { ...fiber(2), name: undefined, sleepsUntil: 1500.5 }]
    const { message } = new SimulationError.SimulationDeadlock({ ...nothing, fibers: all })
    expect(message.split("\n").slice(2)).toEqual([
      "  fiber 1: sleeps until 2500 ms",
      "  without a span: sleeps until 1500.5 ms"
    ])
  })

  it("says where fibers run, and counts those without a span", () => {
    const nameless = (host: string) => ({ id: 9, host, name: undefined, awaitsPromise: false })
    const named = { ...fiber(1), host: "server" }
    const all = [nameless(""), nameless("a"), named, nameless("a")]
    const { message } = new SimulationError.SimulationDeadlock({ ...nothing, fibers: all })
    expect(message.split("\n").slice(1)).toEqual([
      "fibers:",
      "  server: fiber 1",
      "  without a span",
      "  a: without a span (2 fibers)"
    ])
  })

  it("lists twenty of a kind, and counts the others", () => {
    const lines = (count: number) =>
      new SimulationError.SimulationDeadlock({ ...nothing, fibers: fibers(count) }).message.split("\n").slice(2)
    expect(lines(20)).toHaveLength(20)
    expect(lines(20).at(-1)).toBe("  fiber 19")
    expect(lines(21)).toHaveLength(21)
    expect(lines(23).slice(19)).toEqual(["  fiber 19", "  and 3 more"])
  })

  it("names the limit that was met", () => {
    const met = (limit: "time" | "steps") =>
      new SimulationError.SimulationLimitExceeded({
        ...nothing,
        fibers: fibers(1),
        limit,
        allowed: limit === "time" ? 3000 : 77,
        steps: 77
      }).message
    expect(met("time")).toMatch(
      /limit\.time, 3000 ms of virtual time: at 1500 ms, .*; .*raise the limit\nfibers:\n {2}fiber 0$/
    )
    expect(met("time")).not.toContain("77")
    expect(met("steps")).toMatch(/limit\.steps, 77 steps: it is at 1500 ms of virtual time; .*raise the limit/)
  })
})

describe("the report of a run that fails", () => {
  const failed = (cause: unknown) => new SimulationError.SimulationHostFailed({ host: "server", at: 7, cause }).message
  const stuck = (cause: unknown) => new SimulationError.SimulationNotLive({ at: 7, calm: 9000, cause }).message

  it("has the error's own words, whatever was thrown", () => {
    expect(failed(new TypeError("no such thing"))).toContain(
      "host \"server\" failed at 7 ms: TypeError: no such thing;"
    )
    expect(failed("thrown text")).toContain("failed at 7 ms: thrown text;")
    expect(stuck(new TypeError("no such thing"))).toContain("within 9000 ms")
    expect(stuck(new TypeError("no such thing"))).toContain("eventually: no such thing;")
    expect(stuck("thrown text")).toContain("eventually: thrown text;")
    expect(stuck(undefined)).toContain("eventually: it did not end;")
  })

  it("names the property and its details, if there are any", () => {
    const violated = (details: string) =>
      new SimulationError.SimulationPropertyViolated({ property: "one leader", at: 7, details }).message
    expect(violated("")).toContain("\"one leader\" was violated at 7 ms;")
    expect(violated("two in term 3")).toContain("\"one leader\" was violated at 7 ms: two in term 3;")
    const difference = { first: "a", second: "b", record: undefined, before: [] }
    expect(new SimulationError.SimulationNotDeterministic({ seed: 5, ...difference }).message).toContain(
      "seed 5 gave two different runs: a; and b;"
    )
  })
})

describe("the error of a test", () => {
  it("points to the line of the program", () => {
    const cause = new Error("first")
    cause.stack = "Error: first\n    at make (/p/node_modules/lib/a.js:1:2)\n    at program (/p/test/a.test.ts:9:5)"
    const { message, stack } = located("seed 1 fails", cause)
    expect(message).toBe("seed 1 fails")
    expect(stack).toBe("Error: seed 1 fails\n    at program (/p/test/a.test.ts:9:5)")
    cause.stack = "Error: first\n    at make (/p/node_modules/lib/a.js:1:2)"
    expect(located("seed 1 fails", cause).stack).toContain("at make")
    expect(located("seed 1 fails", "no error").stack).toContain("errors.test.ts")
  })
})
