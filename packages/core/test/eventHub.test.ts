import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { capacity, EventHub } from "../src/internal/log/eventHub.ts"

interface Event {
  readonly _tag: "Plain" | "Logged" | "Lost" | "Last"
  readonly number: number
}

const plain = (number: number): Event => ({ _tag: "Plain", number })
const last: Event = { _tag: "Last", number: 0 }

const scene = (tags: ReadonlyArray<Event["_tag"]> = ["Logged"]) => {
  const log: Array<string> = []
  const hub = new EventHub<Event>({
    log: {
      tags: new Set(tags),
      write: (event) => Effect.sync(() => log.push(`${event._tag} ${event.number}`)),
      flush: Effect.sync(() => log.push("flush"))
    },
    context: Context.empty(),
    eventsLost: (number) => ({ _tag: "Lost", number })
  })
  /** What a stream receives from now on; `none` as long as it does not read. */
  const listen = Effect.fnUntraced(function*(reads: Effect.Effect<void> = Effect.void) {
    const got: Array<string> = []
    const fiber = yield* Effect.forkChild(
      Stream.runForEach(
        hub.stream(() => [plain(-1)]),
        ({ _tag, number }) => Effect.andThen(reads, Effect.sync(() => got.push(`${_tag} ${number}`)))
      ),
      { startImmediately: true }
    )
    yield* Effect.yieldNow
    return { got, fiber }
  })
  return { hub, log, listen }
}

describe("the events of a server", () => {
  it.effect("go to each stream from when it starts, after the present state, and to the log by their tags", () =>
    Effect.gen(function*() {
      const { hub, listen, log } = scene()
      expect([hub.hears("Plain"), hub.hears("Logged")]).toEqual([false, true])
      hub.emit(plain(1))
      const first = yield* listen()
      expect(hub.hears("Plain")).toBe(true)
      hub.emit(plain(2))
      const second = yield* listen()
      hub.emit({ _tag: "Logged", number: 3 })
      yield* hub.end(last)
      yield* Fiber.join(first.fiber)
      yield* Fiber.join(second.fiber)
      expect(first.got).toEqual(["Plain -1", "Plain 2", "Logged 3", "Last 0"])
      expect(second.got).toEqual(["Plain -1", "Logged 3", "Last 0"])
      expect(log).toEqual(["Logged 3", "flush"])
    }))

  it.effect("end with the last, which is logged if its tag is, and nothing comes after it", () =>
    Effect.gen(function*() {
      const { hub, listen, log } = scene(["Logged", "Last"])
      yield* hub.end(last)
      expect(log).toEqual(["flush", "Last 0"])
      expect([hub.hears("Plain"), hub.hears("Logged")]).toEqual([false, false])
      hub.emit({ _tag: "Logged", number: 1 })
      const late = yield* listen()
      yield* Fiber.join(late.fiber)
      expect(late.got).toEqual([])
      expect(log).toHaveLength(2)
    }))

  it.effect("are not kept for a stream that has ended", () =>
    Effect.gen(function*() {
      const { hub, listen } = scene()
      const { fiber } = yield* listen()
      yield* Fiber.interrupt(fiber)
      expect(hub.hears("Plain")).toBe(false)
      for (let number = 0; number < 2 * capacity; number++) hub.emit(plain(number))
      expect(hub.lost).toBe(0)
    }))

  it.effect("are dropped, counted and told of for a stream that does not read, and for no other", () =>
    Effect.gen(function*() {
      const { hub, listen } = scene()
      const slow = yield* listen(Effect.yieldNow)
      const fast = yield* listen()
      for (let number = 0; number < capacity + 10; number++) {
        hub.emit(plain(number))
        // The other one keeps up; this one is stopped in the middle of its first event.
        if (number === 0) yield* Effect.yieldNow
      }
      const told = hub.lost
      expect(told).toBeGreaterThan(0)
      yield* hub.end(last)
      yield* Fiber.join(slow.fiber)
      yield* Fiber.join(fast.fiber)
      for (const { got } of [slow, fast]) {
        const lost = got.filter((event) => event.startsWith("Lost")).map((event) => Number(event.slice(5)))
        const plainOnes = got.filter((event) => event.startsWith("Plain") && event !== "Plain -1")
        expect(plainOnes.length + lost.reduce((sum, each) => sum + each, 0)).toBe(capacity + 10)
        // What is told comes where it was dropped: behind the last that fit, and before the end.
        expect(got.at(-1)).toBe("Last 0")
        expect(got.at(-2)).toMatch(/^Lost/)
      }
    }))
})
