/** What Effect RPC must do over Sluice's sockets, on whatever network. */
import { expect } from "@effect/vitest"
import type * as Network from "@sluice/core/Network"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Arithmetic from "./Arithmetic.ts"

export interface Subject {
  /** Where to listen: for each call an endpoint that nobody uses. */
  readonly listen: () => string
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

const waitUntil = (client: Arithmetic.Client, holds: () => boolean) =>
  Effect.whileLoop({ while: () => !holds(), body: () => client.Double({ number: 0 }), step: () => {} })

const opened = Effect.fnUntraced(function*(subject: Subject) {
  const journal = new Arithmetic.Journal()
  const endpoint = yield* Arithmetic.start(journal, { listen: subject.listen() })
  return { journal, client: yield* Arithmetic.client(endpoint) }
})

export const checks = (
  subject: Subject
): Record<string, Effect.Effect<void, unknown, Network.Network | Scope.Scope>> => ({
  "calls are answered, and fail as they should": Effect.gen(function*() {
    const { client } = yield* opened(subject)
    expect(yield* client.Double({ number: 21 })).toBe(42)
    expect(yield* client.Divide({ dividend: 42, divisor: 6 })).toBe(7)
    const error = yield* Effect.flip(client.Divide({ dividend: 42, divisor: 5 }))
    expect(error).toMatchObject({ _tag: "NotDivisible", dividend: 42, divisor: 5 })
  }),

  "calls at once get their own answers, once": Effect.gen(function*() {
    const { client, journal } = yield* opened(subject)
    const answers = yield* Effect.forEach(numbers(300), (number) => client.Double({ number }), {
      concurrency: "unbounded"
    })
    expect(answers).toEqual(numbers(300).map((number) => number * 2))
    expect([...journal.doubled.values()].every((times) => times === 1)).toBe(true)
  }),

  "streams come whole and in order, several at once": Effect.gen(function*() {
    const { client } = yield* opened(subject)
    const streams = yield* Effect.forEach([1, 10, 200], (limit) => Stream.runCollect(client.CountTo({ limit })), {
      concurrency: "unbounded"
    })
    expect(streams).toEqual([numbers(1), numbers(10), numbers(200)])
  }),

  "a stream waits for who consumes it": Effect.gen(function*() {
    const { client, journal } = yield* opened(subject)
    const taken = yield* Stream.runCollect(
      client.CountTo({ limit: 10_000 }, { streamBufferSize: 4 }).pipe(
        Stream.take(5),
        Stream.tap((number) => number === 5 ? waitUntil(client, () => journal.counted >= 5) : Effect.void)
      )
    )
    expect(taken).toEqual(numbers(5))
    for (let round = 0; round < 20; round++) yield* client.Double({ number: round })
    expect(journal.counted).toBeLessThan(20)
  }),

  "an interrupted call is interrupted on the server": Effect.gen(function*() {
    const { client, journal } = yield* opened(subject)
    const waiting = yield* Effect.forkChild(client.Wait({ number: 1 }), { startImmediately: true })
    yield* waitUntil(client, () => journal.waiting === 1)
    yield* Fiber.interrupt(waiting)
    yield* waitUntil(client, () => journal.interrupted === 1)
  }),

  "a client that goes away interrupts its calls on the server": Effect.gen(function*() {
    const journal = new Arithmetic.Journal()
    const endpoint = yield* Arithmetic.start(journal, { listen: subject.listen() })
    const other = yield* Arithmetic.client(endpoint)
    yield* Effect.scoped(Effect.gen(function*() {
      const client = yield* Arithmetic.client(endpoint)
      yield* Effect.forkScoped(client.Wait({ number: 1 }), { startImmediately: true })
      yield* waitUntil(client, () => journal.waiting === 1)
    }))
    yield* waitUntil(other, () => journal.interrupted === 1)
  }),

  "a call that the server's end cuts fails, and the next is answered once it is there again": Effect.gen(function*() {
    const journal = new Arithmetic.Journal()
    const scope = yield* Scope.make()
    const endpoint = yield* Scope.provide(Arithmetic.start(journal, { listen: subject.listen() }), scope)
    const client = yield* Arithmetic.client(endpoint, { retryTransientErrors: true })
    const waiting = yield* Effect.forkChild(client.Wait({ number: 1 }), { startImmediately: true })
    yield* waitUntil(client, () => journal.waiting === 1)
    yield* Effect.timeout(Scope.close(scope, Exit.void), "4 seconds")
    // The server interrupts what it has not answered, and tells the client before it ends.
    const exit = yield* Fiber.await(waiting)
    expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    yield* Arithmetic.start(journal, { listen: endpoint })
    // The client has heard of the end, and says so until it is connected again.
    const answer = yield* Effect.eventually(Effect.andThen(Effect.sleep("10 millis"), client.Double({ number: 21 })))
    expect(answer).toBe(42)
    expect(journal.doubled.get(21)).toBe(1)
  })
})
