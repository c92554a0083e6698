import { describe, expect, it } from "@effect/vitest"
import * as History from "@sluice/simulation/History"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { CallLog } from "../src/internal/world/callLog.ts"

type Register = History.RegisterCall<number>

type Row<In, Out> = readonly [
  client: string,
  input: In,
  start: number,
  end: number | undefined,
  output: Out | undefined
]

const history = <In, Out>(...calls: ReadonlyArray<Row<In, Out>>) => ({
  events: 100,
  calls: calls.map(([client, input, start, end, output]) => ({ client, input, start, end, output, startedAt: start }))
})
const read: Register = { name: "read" }
const write = (value: number): Register => ({ name: "write", value })

/** Tries every order, and every choice of the calls whose outcome is unknown. */
const byForce = <State, In, Out>(
  calls: ReadonlyArray<History.Call<In, Out>>,
  model: History.Model<State, In, Out>,
  state: State = model.initial
): boolean => {
  if (calls.every(({ end }) => end === undefined)) return true
  return calls.some((call) => {
    if (calls.some((other) => other !== call && other.end !== undefined && other.end < call.start)) return false
    const next = model.step(state, call.input, call.output)
    return next !== undefined && byForce(calls.filter((other) => other !== call), model, next)
  })
}

describe("History.checkLinearizable", () => {
  const check = (...calls: ReadonlyArray<Row<Register, number | boolean | void>>) =>
    History.checkLinearizable(history(...calls), History.register(0))

  it("finds an order of concurrent calls", () => {
    const { order, verdict } = check(["a", write(1), 0, 5, undefined], ["b", read, 1, 2, 1], ["c", read, 3, 4, 1])
    expect([verdict, order.map(({ client }) => client)]).toEqual(["linearizable", ["a", "b", "c"]])
  })

  it("names the call that has no place: a stale read", () => {
    const { order, verdict, violation } = check(
      ["a", write(1), 0, 1, undefined],
      ["b", read, 2, 3, 1],
      ["c", read, 4, 5, 0]
    )
    expect([verdict, violation?.client, order.map(({ client }) => client)]).toEqual(["violation", "c", ["a", "b"]])
  })

  it("two reads of concurrent writes agree on their order", () => {
    const seen = (first: number, second: number) =>
      check(
        ["a", write(1), 0, 9, undefined],
        ["b", read, 1, 2, first],
        ["b", read, 3, 4, second]
      ).verdict
    expect([seen(0, 1), seen(1, 1), seen(0, 0), seen(1, 0)]).toEqual([
      "linearizable",
      "linearizable",
      "linearizable",
      "violation"
    ])
  })

  it("an unknown outcome may have taken effect, later or never", () => {
    const after = (...reads: ReadonlyArray<number>) =>
      check(
        ["a", write(1), 0, undefined, undefined],
        ...reads.map((value, index) => ["b", read, 1 + 2 * index, 2 + 2 * index, value] as const)
      ).verdict
    expect([after(0, 0), after(0, 1), after(1, 1), after(1, 0)]).toEqual([
      "linearizable",
      "linearizable",
      "linearizable",
      "violation"
    ])
  })

  it("tries what has been tried once: orders of the same calls that lead to the same state are one", () => {
    const same = Array.from({ length: 12 }, () => ["a", write(1), 0, 90, undefined] as const)
    const impossible = history<Register, number | boolean | void>(...same, ["b", read, 91, 92, 77])
    // 12 calls have 479,001,600 orders, and 4,096 parts.
    const { verdict } = History.checkLinearizable(impossible, History.register(0), { limit: 12 * 4096 * 4 })
    expect(verdict).toBe("violation")
  })

  it("is unknown beyond its limit", () => {
    const many = Array.from({ length: 12 }, (_, index) => ["a", write(index), 0, 90, undefined] as const)
    const impossible = history<Register, number | boolean | void>(...many, ["b", read, 91, 92, 77])
    const { verdict } = History.checkLinearizable(impossible, History.register(0), { limit: 1000 })
    expect(verdict).toBe("unknown")
  })

  it("keys are parts of their own", () => {
    const calls = history<Register & { readonly key: string }, number | boolean | void>(
      ["a", { key: "x", ...write(1) }, 0, 1, undefined],
      ["b", { key: "y", ...read }, 2, 3, 0],
      ["c", { key: "y", ...write(2) }, 4, 5, undefined],
      ["d", { key: "x", ...read }, 6, 7, 2]
    )
    const { verdict, violation } = History.checkLinearizable(calls, History.keyValue(0))
    expect([verdict, violation?.client]).toEqual(["violation", "d"])
  })

  it("sets: what was added is there until it is removed, each value for itself", () => {
    const verdict = (...answers: ReadonlyArray<boolean>) =>
      History.checkLinearizable(
        history<History.SetCall<number>, boolean | void>(
          ["a", { name: "add", value: 1 }, 0, 1, answers[0]],
          ["a", { name: "has", value: 2 }, 2, 3, answers[1]],
          ["b", { name: "remove", value: 1 }, 4, 5, answers[2]],
          ["b", { name: "has", value: 1 }, 6, 7, answers[3]]
        ),
        History.set<number>()
      ).verdict
    expect(verdict(true, false, true, false)).toBe("linearizable")
    for (const at of [0, 1, 2, 3]) {
      expect(verdict(...[true, false, true, false].map((answer, index) => index === at ? !answer : answer))).toBe(
        "violation"
      )
    }
  })

  it("logs: an index is given once, and what is there stays", () => {
    const verdict = (second: number, ...reads: ReadonlyArray<readonly [number, string | null]>) =>
      History.checkLinearizable(
        history<History.LogCall<string>, string | number | null>(
          ["a", { name: "append", value: "x" }, 0, 5, 0],
          ["b", { name: "append", value: "y" }, 1, 4, second],
          ...reads.map(([index, value], at) => ["c", { name: "read", index }, 6 + 2 * at, 7 + 2 * at, value] as const)
        ),
        History.log<string>()
      )
    expect(verdict(1, [0, "x"], [1, "y"], [2, null]).verdict).toBe("linearizable")
    expect(verdict(0).verdict).toBe("violation")
    expect(verdict(1, [1, null]).violation?.client).toBe("c")
    expect(verdict(1, [1, "x"]).verdict).toBe("violation")
  })

  it("queues and locks", () => {
    const order = (first: string | null, second: string | null) =>
      History.checkLinearizable(
        history<History.QueueCall<string>, string | null | void>(
          ["a", { name: "enqueue", value: "x" }, 0, 1, undefined],
          ["a", { name: "enqueue", value: "y" }, 2, 3, undefined],
          ["b", { name: "dequeue" }, 4, 5, first],
          ["b", { name: "dequeue" }, 6, 7, second]
        ),
        History.queue<string>()
      ).verdict
    expect([order("x", "y"), order("y", "x"), order("x", null)]).toEqual(["linearizable", "violation", "violation"])
    const acquire = (client: string) => ({ name: "acquire", client }) as const
    const held = (second: boolean) =>
      History.checkLinearizable(
        history<ReturnType<typeof acquire>, boolean>(
          ["a", acquire("a"), 0, 1, true],
          ["b", acquire("b"), 2, 3, second]
        ),
        History.lock
      ).verdict
    expect([held(false), held(true)]).toEqual(["linearizable", "violation"])
  })

  it.effect("says what trying all orders says, on random histories", () =>
    Effect.gen(function*() {
      const count = { linearizable: 0, violation: 0 }
      for (let round = 0; round < 500; round++) {
        const calls: Array<readonly [string, Register, number, number | undefined, number | undefined]> = []
        for (let index = 0; index < 6; index++) {
          const start = yield* Random.nextIntBetween(0, 12)
          const length = yield* Random.nextIntBetween(1, 8)
          const isKnown = (yield* Random.next) < 0.8
          const value = yield* Random.nextIntBetween(0, 3)
          const isRead = (yield* Random.next) < 0.6
          const end = isKnown ? start + length + 0.5 : undefined
          calls.push([`${index}`, isRead ? read : write(value), start, end, isRead && isKnown ? value : undefined])
        }
        const all = history<Register, number | boolean | void>(...calls)
        const { verdict } = History.checkLinearizable(all, History.register(0))
        expect(verdict === "linearizable").toBe(byForce(all.calls, History.register(0)))
        count[verdict as "linearizable" | "violation"]++
      }
      expect(Math.min(...Object.values(count))).toBeGreaterThan(50)
    }).pipe(Random.withSeed("histories")))
})

describe("History.call", () => {
  it.effect("records answers, unknown outcomes and refusals, and writes them as Jepsen does", () =>
    Effect.gen(function*() {
      const calls = History.make<Register, number | void>()
      yield* Simulation.run(Effect.gen(function*() {
        const slow = History.call(calls, "a", write(1), Effect.sleep("1 second"))
        yield* Effect.all([
          slow,
          History.call(calls, "b", read, Effect.as(Effect.sleep("500 millis"), 0)),
          Effect.ignore(Effect.timeout(History.call(calls, "c", write(2), Effect.never), "2 seconds")),
          Effect.ignore(
            History.call(calls, "d", write(3), Effect.fail("full"), { isRefused: (error) => error === "full" })
          )
        ], { concurrency: "unbounded" })
      }))
      expect(calls.calls.map(({ client, end, output }) => [client, end, output])).toEqual([
        ["a", 5, undefined],
        ["b", 4, 0],
        ["c", undefined, undefined]
      ])
      const lines = History.toJson(calls, ({ input, output }) => ({
        f: input.name,
        value: input.name === "write" ? input.value : null,
        answer: output
      })).split("\n").map((line) => JSON.parse(line) as { type: string; f: string; value: unknown; process: number })
      expect(lines.map(({ f, process, type, value }) => [type, process, f, value])).toEqual([
        ["invoke", 0, "write", 1],
        ["invoke", 1, "read", null],
        ["invoke", 2, "write", 2],
        ["ok", 1, "read", 0],
        ["ok", 0, "write", 1],
        ["info", 2, "write", 2]
      ])
    }))
})

describe("the calls of a trace", () => {
  const make = () => {
    const world = { engine: { now: 0 }, recorded: 0, hasEnded: false }
    const log = new CallLog(world as never)
    const begin = (client: string) => log.begin({ ...history([client, read, 0, 1, 0]).calls[0]! }, "")
    return { world, begin, clients: () => log.snapshot.map(({ call }) => call.client) }
  }

  it("are without a refused call, whichever it was", () => {
    for (let refused = 0; refused < 4; refused++) {
      const { begin, clients } = make()
      const all = ["a", "b", "c", "d"]
      const ends = all.map(begin)
      ends[refused]!("refused")
      expect(clients()).toEqual(all.toSpliced(refused, 1))
    }
  })

  it("are the last 10,000, and no others for what happens to earlier ones", () => {
    const { begin, clients } = make()
    const refuseFirst = begin("first")
    for (let index = 1; index < 30_000; index++) begin(String(index))
    refuseFirst("refused")
    expect(clients()).toEqual(Array.from({ length: 10_000 }, (_, index) => String(20_000 + index)))
  })

  it("neither begin nor end after the run", () => {
    const { begin, clients, world } = make()
    const end = begin("a")
    world.hasEnded = true
    begin("b")
    end("refused")
    expect(clients()).toEqual(["a"])
  })
})
