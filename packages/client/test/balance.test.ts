import { describe, expect, it } from "vitest"
import { choose } from "../src/internal/pool/balance.ts"
import { ClientState } from "../src/internal/pool/framedClient.ts"
import { Health } from "../src/internal/pool/health.ts"
import { Statistics } from "../src/internal/pool/statistics.ts"
import { Target } from "../src/internal/pool/target.ts"

describe("the health of an endpoint", () => {
  const make = () => {
    const time = { now: 0 }
    return { time, health: new Health({ after: 3, atFirst: 100, atMost: 350 }, () => time.now) }
  }

  it("is bad after as many failures in a row as are allowed, and no fewer", () => {
    const { health } = make()
    for (let round = 0; round < 2; round++) {
      health.fail()
      health.fail()
      expect([health.state, health.failures]).toEqual(["healthy", 2])
      health.succeed()
    }
    for (let failure = 1; failure <= 3; failure++) health.fail()
    expect([health.state, health.failures, health.ejected]).toEqual(["ejected", 3, 1])
  })

  it("is on probation after a time that doubles with each ejection, up to the longest; a success clears it", () => {
    const { health, time } = make()
    for (let round = 0; round < 2; round++) {
      for (let failure = 0; failure < 2; failure++) health.fail()
      for (const [index, millis] of [100, 200, 350, 350].entries()) {
        // While it is ejected, failures change nothing.
        for (let failure = 0; failure < 3; failure++) health.fail()
        expect([health.state, health.ejected]).toEqual(["ejected", 4 * round + index + 1])
        time.now += millis - 1
        expect(health.state).toBe("ejected")
        time.now++
        expect(health.state).toBe("probation")
      }
      health.succeed()
      expect([health.state, health.failures]).toEqual(["healthy", 0])
    }
  })
})

describe("the endpoint for the next request", () => {
  interface Kind {
    readonly weight?: number
    readonly priority?: number
    readonly pending?: number
    readonly isTrusted?: boolean
    readonly isOpen?: boolean
  }

  const among = (kinds: ReadonlyArray<Kind>, random = 0.999) => {
    const targets = kinds.map(({ isOpen = true, isTrusted = true, pending = 0, priority = 0, weight = 1 }, index) => ({
      idlest: isOpen ? { index } : undefined,
      isTrusted,
      pending,
      priority,
      weight
    }))
    const found = choose(targets as unknown as ReadonlyArray<Target<never, never, never>>, {
      nextDoubleUnsafe: () => random
    })
    return (found as unknown as { readonly index: number } | undefined)?.index
  }

  it("works, then has the best priority, then the fewest requests for its weight", () => {
    expect([among([]), among([{ isOpen: false }]), among([{ isOpen: false }, { isOpen: false }])]).toEqual([
      undefined,
      undefined,
      undefined
    ])
    expect(among([{ isOpen: false }, { isTrusted: false, pending: 9 }])).toBe(1)
    expect(among([{ isTrusted: false }, { priority: 5, pending: 9 }, { priority: 6 }])).toBe(1)
    expect(among([{ priority: 1 }, { pending: 9 }, { priority: 2 }])).toBe(1)
    expect(among([{ pending: 2 }, { pending: 5, weight: 3 }, { pending: 3, weight: 1.5 }])).toBe(1)
    // A weight of 0 is a small one.
    expect(among([{ pending: 1, weight: 0 }, { pending: 99 }])).toBe(1)
    expect(among([{ pending: 1, weight: 0 }, { pending: 101 }])).toBe(0)
  })

  it("is one of the best by chance, each for a part of the numbers as large as its weight", () => {
    const kinds = [{ weight: 2 }, { weight: 1 }, { priority: 1, weight: 100 }, { weight: 1 }]
    const counts = [0, 0, 0, 0]
    // Each is asked once, from the second on: the numbers below its part of the weights so far.
    for (const first of [1 / 6, 3 / 6, 5 / 6]) {
      for (const second of [0.125, 0.375, 0.625, 0.875]) {
        const numbers = [first, second]
        const targets = kinds.map((kind, index) => ({
          idlest: { index },
          isTrusted: true,
          pending: 0,
          priority: kind.priority ?? 0,
          weight: kind.weight
        }))
        const found = choose(targets as unknown as ReadonlyArray<Target<never, never, never>>, {
          nextDoubleUnsafe: () => numbers.shift()!
        })
        counts[(found as unknown as { readonly index: number }).index]!++
      }
    }
    expect(counts).toEqual([6, 3, 0, 3])
    expect([among([{}, {}], 0.5), among([{}, {}], 0.5 - 2 ** -53)]).toEqual([0, 1])
  })
})

describe("the connection for the next request", () => {
  it("has the fewest requests in flight, the first of those", () => {
    const target = new Target<never, never, never>({ endpoint: undefined, priority: 0, weight: 1 }, {
      slots: { release: () => {} },
      now: () => 0,
      correlation: undefined,
      connections: 4,
      ejection: { after: 1, atFirst: 1, atMost: 1 },
      statistics: new Statistics()
    })
    expect(target.idlest).toBe(undefined)
    const pending = [0, 3, 1, 1]
    const idlest = () => {
      for (const [index, channel] of target.channels.entries()) {
        Object.defineProperty(channel, "isOpen", { value: index > 0, configurable: true })
        Object.defineProperty(channel, "pending", { value: pending[index], configurable: true })
      }
      return target.channels.indexOf(target.idlest!)
    }
    expect(idlest()).toBe(2)
    pending[2] = 2
    expect(idlest()).toBe(3)
    pending[1] = 0
    expect([idlest(), target.connections, target.pending]).toEqual([1, 3, 3])
  })
})

describe("the endpoints of a client", () => {
  const make = () =>
    new ClientState<never, never, never>(
      { now: () => 0, correlation: undefined, connections: 1, ejection: { after: 1, atFirst: 1, atMost: 1 } },
      { maxPending: 10, maxWaiting: 10 },
      { nextDoubleUnsafe: () => 0.5 } as never
    )
  const candidate = (port: number, weight = 1, priority = 0) => ({
    endpoint: { _tag: "Tcp", host: "a", port } as never,
    priority,
    weight
  })

  it("that are still listed stay, with their new weights; one that has given up is tried anew", () => {
    const client = make()
    const [first, second] = client.replace([candidate(1), candidate(2)])
    expect(client.replace([candidate(2, 5, 1), candidate(1)])).toEqual([])
    expect(client.targets).toEqual([second, first])
    expect([second!.weight, second!.priority]).toEqual([5, 1])
    first!.over = "over" as never
    const [again] = client.replace([candidate(1), candidate(2)])
    expect([again === first, client.targets[0] === again, client.targets[1] === second]).toEqual([false, true, true])
  })

  it("whose requests are lost count each of them, and what they were ejected for stays when they are gone", () => {
    const client = make()
    const [first] = client.replace([candidate(1), candidate(2)])
    first!.onLoss(0, { _tag: "Closed" })
    expect([[...client.statistics.failed], client.ejections]).toEqual([[], 0])
    first!.onLoss(3, { _tag: "Closed" })
    expect([[...client.statistics.failed], client.ejections]).toEqual([[["Closed", 3]], 1])
    client.replace([candidate(2)])
    expect(client.ejections).toBe(1)
    client.replace([])
    expect(client.ejections).toBe(1)
  })
})

describe("the latency of answers", () => {
  it("is counted up to each boundary, with the least, the most and the sum", () => {
    const statistics = new Statistics()
    expect(statistics.latency).toMatchObject({ count: 0, min: 0, max: 0, sum: 0 })
    const times = [3, 1, 0.5, 1.5, 2, 30_000, 30_001, 100_000]
    for (const millis of times) statistics.answer(millis)
    const { buckets, count, max, min, sum } = statistics.latency
    expect([count, min, max, sum]).toEqual([8, 0.5, 100_000, times.reduce((sum, each) => sum + each)])
    const upTo = (most: number) => times.filter((millis) => millis <= most).length
    expect(buckets).toHaveLength(15)
    for (const [most, upToIt] of buckets) expect(upToIt).toBe(upTo(most))
    expect(buckets.at(-1)).toEqual([Infinity, 8])
  })

  it("failures are counted by their innermost reason, and each is told once", () => {
    const statistics = new Statistics()
    const told: Array<string> = []
    // It can be read when it is told.
    statistics.onReason = (reason) => told.push(`${reason} ${statistics.failed.get(reason)}`)
    const fail = (error: unknown, requests: number) => {
      statistics.fail(error, requests)
      return told.splice(0)
    }
    expect(fail({ _tag: "NetworkError", reason: { _tag: "Closed" } }, 2)).toEqual(["Closed 2"])
    expect(fail({ _tag: "Closed" }, 3)).toEqual([])
    expect(fail("lost", 0)).toEqual(["Other 0"])
    expect(fail(undefined, 1)).toEqual([])
    expect([...statistics.failed]).toEqual([["Closed", 5], ["Other", 1]])
  })
})
