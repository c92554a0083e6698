import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as ServerLog from "@sluice/core/ServerLog"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { BufferBudget, type Holder, uncounted } from "../src/internal/budget/bufferBudget.ts"

// The sizes here are in units that are counted from 65 up.
const unit = 2048

describe("BufferBudget", () => {
  const make = Effect.fnUntraced(function*(limit: number) {
    const run = Effect.runForkWith(yield* Effect.context<never>())
    return new BufferBudget(limit, yield* Clock.Clock, run)
  })
  const holder = (name: string, said: Array<string>): Holder => ({
    throttle: () => void said.push(`${name} throttled`),
    restore: () => void said.push(`${name} resumed`),
    exceed: () => void said.push(`${name} failed`)
  })

  it.effect("lets all grow up to half, and above it the oldest, and those that hold no more than their share", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const budget = yield* make(1000 * unit)
      const oldest = holder("oldest", said)
      const large = holder("large", said)
      const small = holder("small", said)
      expect(budget.hold(oldest, 100 * unit)).toBe(true)
      expect(budget.hold(large, 300 * unit)).toBe(true)
      expect(budget.hold(small, 100 * unit)).toBe(true)
      expect(budget.hold(large, 310 * unit)).toBe(false)
      expect(budget.hold(small, 160 * unit)).toBe(true)
      expect(budget.hold(oldest, 500 * unit)).toBe(true)
      expect(budget.hold(small, 170 * unit)).toBe(false)
      expect(said).toEqual(["large throttled", "small throttled"])
      // Its frame is complete: there is room for the others.
      budget.release(oldest)
      expect(said.slice(2)).toEqual(["large resumed", "small resumed"])
      expect(budget.used).toBe(480 * unit)
    }))

  it.effect("lets the next one continue when the oldest is done, though there is no room for all", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const budget = yield* make(1000 * unit)
      const holders = ["a", "b", "c", "d"].map((name) => holder(name, said))
      for (const each of holders) budget.hold(each, 120 * unit)
      for (const each of holders) budget.hold(each, 200 * unit)
      expect(said).toEqual(["b throttled", "c throttled", "d throttled"])
      budget.release(holders[0]!)
      expect(said.slice(3)).toEqual(["b resumed"])
    }))

  it.effect("fails one after 10 seconds without room: the oldest if it has stalled, otherwise the one that waits", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const budget = yield* make(1000 * unit)
      const holders = ["a", "b", "c"].map((name) => holder(name, said))
      for (const each of holders) budget.hold(each, 165 * unit)
      budget.hold(holders[0]!, 180 * unit)
      budget.hold(holders[1]!, 180 * unit)
      yield* TestClock.adjust("9 seconds")
      expect(said).toEqual(["b throttled"])
      // The oldest is slow, and not stalled.
      budget.hold(holders[0]!, 190 * unit)
      yield* TestClock.adjust("1 second")
      expect(said.slice(1)).toEqual(["b failed"])
      budget.hold(holders[2]!, 400 * unit)
      yield* TestClock.adjust("11 seconds")
      expect(said.slice(2)).toEqual(["c throttled", "c resumed", "a failed"])
    }))

  it.effect("does not count what a slow reader has ahead of it", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const budget = yield* make(1000 * unit)
      for (let slow = 0; slow < 1000; slow++) budget.hold(holder("slow", said), uncounted)
      yield* TestClock.adjust("1 minute")
      expect(budget.used).toBe(0)
      expect(said).toEqual([])
      budget.hold(holder("slower", said), uncounted + 1)
      expect(budget.used).toBe(uncounted + 1)
    }))

  it.effect("lets one that is alone use all of it", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const budget = yield* make(1000 * unit)
      const alone = holder("alone", said)
      expect(budget.hold(alone, 999 * unit)).toBe(true)
      expect(budget.hold(alone, 1001 * unit)).toBe(false)
      expect(budget.hold(alone, 10)).toBe(true)
      expect(budget.used).toBe(0)
    }))

  it.effect("holds its limit whatever connections do, and forgets nobody", () =>
    Effect.gen(function*() {
      // A small generator of its own: the steps are the same on every machine.
      let seed = 7
      const below = (limit: number) => (seed = (seed * 48271) % 2147483647) % limit
      const limit = 10_000 * unit
      const budget = yield* make(limit)
      const open = Array.from({ length: 40 }, () => {
        const each = { bytes: 0, isThrottled: false, throttle: () => {}, restore: () => {}, exceed: () => {} }
        each.throttle = () => void (each.isThrottled = true)
        each.restore = () => void (each.isThrottled = false)
        each.exceed = () => {
          each.bytes = 0
          each.isThrottled = false
        }
        return each
      })
      const chunk = 64 * unit
      for (let step = 0; step < 20_000; step++) {
        const each = open[below(open.length)]!
        if (below(100) === 0) {
          each.bytes = 0
          each.isThrottled = false
          budget.release(each)
        } else if (!each.isThrottled) {
          each.bytes += below(chunk)
          budget.hold(each, each.bytes)
        }
        const held = open.reduce((sum, { bytes }) => sum + (bytes <= uncounted ? 0 : bytes), 0)
        expect(budget.used).toBe(held)
        expect(held).toBeLessThanOrEqual(limit + open.length * (chunk + uncounted))
        if (step % 100 === 0) yield* TestClock.adjust("1 second")
      }
      for (const each of open) budget.release(each)
      expect(budget.used).toBe(0)
      expect(open.some(({ isThrottled }) => isThrottled)).toBe(false)
    }))
})

describe("a network with a budget", () => {
  const frame = 1024 * 1024
  const framing = Framing.lengthPrefixed({ maxFrameLength: frame })
  const budget = 4 * frame

  const scene = Effect.gen(function*() {
    const [host, clients] = yield* SimNetwork.hosts("server", "clients")
    const failures: Array<string> = []
    const log = ServerLog.make(["Closed"], ({ error }) =>
      Effect.sync(() => {
        if (error !== undefined) failures.push(error.reason._tag)
      }))
    const answer = (message: Uint8Array) => Effect.succeed(Uint8Array.of(message.length & 255))
    yield* Effect.provide(
      Effect.provideService(
        Server.make({ listen: "tcp://0.0.0.0:7" }, Framed.serve(framing, answer)),
        ServerLog.CurrentServerLog,
        log
      ),
      Host.layer(host)
    )
    /** A client that sends the header of a frame and the given number of its bytes. */
    const begin = Effect.fnUntraced(function*(bytes: number) {
      const client = yield* Effect.provide(Network.connect("server:7"), Host.layer(clients))
      const header = new Uint8Array(4)
      new DataView(header.buffer).setUint32(0, frame - 100)
      yield* Connection.write(client, header)
      return {
        client,
        send: yield* Effect.forkChild(Connection.write(client, new Uint8Array(bytes)), { startImmediately: true })
      }
    })
    return { begin, failures }
  })

  VitestSimulation.it(
    "is not filled by frames that are never finished, and serves others meanwhile and later",
    Effect.gen(function*() {
      const { begin, failures } = yield* scene
      const stalled = yield* Effect.forEach(Array.from({ length: 20 }), () => begin(frame - 200))
      yield* Effect.sleep("5 seconds")
      // Not all of them were read to where they stopped.
      expect(stalled.filter(({ send }) => send.pollUnsafe() === undefined).length).toBeGreaterThan(5)
      expect(failures).toEqual([])
      // A small message is answered at once.
      const small = yield* begin(0)
      yield* Effect.sleep("1 minute")
      expect(failures.length).toBeGreaterThan(0)
      expect(new Set(failures)).toEqual(new Set(["BufferBudgetExceeded"]))
      // And a large frame is, once the others have failed.
      yield* Connection.write(small.client, new Uint8Array(frame - 100))
      yield* Connection.readExactly(small.client, 5)
    }).pipe(Effect.provideService(Network.BufferBudget, budget))
  )

  VitestSimulation.it(
    "slows large frames down, and delivers all of them",
    Effect.gen(function*() {
      const { begin, failures } = yield* scene
      const clients = yield* Effect.forEach(Array.from({ length: 12 }), () => begin(frame - 100))
      for (const { client, send } of clients) {
        yield* Fiber.join(send)
        yield* Connection.readExactly(client, 5)
      }
      expect(failures).toEqual([])
    }).pipe(Effect.provideService(Network.BufferBudget, budget))
  )
})
