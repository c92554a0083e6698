import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { DnsRecord } from "../../src/dns/masterFile.ts"
import * as Resolver from "../../src/dns/Resolver.ts"
import { type Answer, failed, type Question, responseCodes } from "../../src/dns/Zone.ts"

class Silent extends Data.TaggedError("Silent") {
  override readonly message = "it is silent"
}

const address = (ttl: number): DnsRecord => ({
  name: "a",
  data: { _tag: "A", class: 1, ttl, address: Uint8Array.of(192, 0, 2, 1) }
})
const soa = (ttl: number, minimum: number): DnsRecord => ({
  name: "zone",
  data: { _tag: "SOA", class: 1, ttl, primary: "", mailbox: "", serial: 1, refresh: 1, retry: 1, expire: 1, minimum }
})
const answer = (answers: ReadonlyArray<DnsRecord>, authorities: ReadonlyArray<DnsRecord> = [], responseCode = 0) => ({
  ...failed(responseCode),
  answers,
  authorities
})

/** A resolver of what is given, and the names that it asks for. */
const make = Effect.fnUntraced(function*(said: Effect.Effect<Answer, Silent>, capacity = 100) {
  const asked: Array<string> = []
  const ask = ({ name }: Question) => Effect.andThen(Effect.sync(() => asked.push(name)), said)
  const resolve = yield* Resolver.make({ ask, capacity, maxWaiting: 2 })
  return { asked, resolve: (name: string) => resolve({ name, type: 1, class: 1 }) }
})

describe("answers of another server", () => {
  it.effect("are kept up to a number, and the one that was used least recently goes", () =>
    Effect.gen(function*() {
      const { asked, resolve } = yield* make(Effect.succeed(answer([address(60)])), 2)
      for (const name of ["a", "b", "A", "c", "a", "b"]) yield* resolve(name)
      expect(asked).toEqual(["a", "b", "c", "b"])
    }))

  it.effect.each(
    [
      ["the least TTL of its records", answer([address(60), address(20)], [address(90)]), 20],
      ["a day at most", answer([address(2 ** 31 - 1)]), 86_400],
      ["not with a TTL that is negative as a number (RFC 2181)", answer([address(2 ** 31)]), 0],
      ["the minimum of the zone, where there is no name", answer([], [soa(60, 30)], responseCodes.NXDomain), 30],
      ["the TTL of the SOA record, if that is less", answer([], [soa(20, 30)]), 20],
      ["three hours at most, where there is no data", answer([], [soa(86_400, 86_400)]), 10_800],
      ["not without an SOA record, where there is no data", answer([]), 0],
      ["a second, where it is a failure", failed(responseCodes.ServFail), 1]
    ] as const
  )("are kept for %s", ([, said, seconds]) =>
    Effect.gen(function*() {
      const { asked, resolve } = yield* make(Effect.succeed(said))
      const ttl = said.answers[0]?.data.ttl
      yield* resolve("a")
      if (seconds > 0) yield* TestClock.adjust(seconds * 1000 - 1)
      const last = yield* resolve("a")
      expect(asked.length).toBe(seconds > 0 ? 1 : 2)
      expect(last.answers[0]?.data.ttl).toBe(ttl === undefined || seconds === 0 ? ttl : ttl - seconds + 1)
      yield* TestClock.adjust(1)
      yield* resolve("a")
      expect(asked.length).toBe(seconds > 0 ? 2 : 3)
    }))

  it.effect("are waited for by a limited number of clients, each independent of the others", () =>
    Effect.gen(function*() {
      const { asked, resolve } = yield* make(Effect.delay(new Silent(), "1 second"))
      const [one, two] = [yield* Effect.forkChild(resolve("a")), yield* Effect.forkChild(resolve("a"))]
      yield* Effect.yieldNow
      expect((yield* resolve("b")).responseCode).toBe(responseCodes.ServFail)
      // A client that gives up takes nothing from the other, and makes room for a third.
      yield* Fiber.interrupt(one)
      const three = yield* Effect.forkChild(resolve("b"))
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(two)).responseCode).toBe(responseCodes.ServFail)
      yield* Fiber.join(three)
      expect(asked).toEqual(["a", "b"])
    }))
})
