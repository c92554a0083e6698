/** Private messages for people who are away, in virtual time. */
import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Host from "@sluice/simulation/Host"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { chat, connect, enter, hosts, unlimited } from "./person.ts"

describe("a chat", () => {
  VitestSimulation.it(
    "gives a returning user with a token the private messages that were sent meanwhile, once",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ rate: unlimited }))
      const bob = yield* enter(b!, "bob", "lobby")
      const alice = yield* connect(a)
      yield* alice.say("/token 0123456789abcdef", "/nick Alice")
      yield* alice.settled
      yield* bob.say("/msg alice here")
      yield* alice.untilSays("[from bob] here")
      yield* Connection.abort(alice.connection)
      yield* Effect.sleep("1 second")
      yield* bob.say("/msg Alice away", "/msg alice still")
      expect((yield* bob.settled).slice(-5, -1)).toEqual([
        "[to Alice] away",
        "-- Alice is away, and gets that on return",
        "[to alice] still",
        "-- alice is away, and gets that on return"
      ])
      // Another user with the name gets nothing.
      const other = yield* enter(a, "other", "lobby")
      yield* other.say("/token fedcba9876543210", "/nick alice")
      expect((yield* other.settled).slice(0, -1)).toEqual(["-- you are now called alice"])
      yield* other.say("/nick other")
      const letters = ["[from bob at 1970-01-01 00:00] away", "[from bob at 1970-01-01 00:00] still"]
      for (const expected of [letters, []]) {
        const returned = yield* connect(a)
        yield* returned.say("/token 0123456789abcdef", "/nick alice")
        expect((yield* returned.settled).slice(-2 - expected.length)).toEqual([
          "-- you are now called alice",
          ...expected,
          "-- pong settled"
        ])
        yield* returned.say("/quit")
        yield* returned.over
      }
      yield* bob.say("/msg alice again")
      expect((yield* bob.settled).at(-2)).toBe("!! nobody is called alice")
    })
  )
})
