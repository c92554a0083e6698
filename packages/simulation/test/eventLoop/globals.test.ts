import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import { replaceGlobals } from "../../src/internal/replacements/install.ts"
import type { AmbientCall } from "../../src/internal/sandbox/caller.ts"
import { within as at } from "../../src/internal/sandbox/place.ts"
import { Sandbox } from "../../src/internal/sandbox/sandbox.ts"
import { RandomStream } from "../../src/internal/time/random.ts"
import { VirtualTime } from "../../src/internal/time/virtualTime.ts"

const replaced: ReadonlyArray<readonly [target: object, name: string]> = [
  [globalThis, "Date"],
  [Math, "random"],
  [performance, "now"],
  [process, "hrtime"],
  [process, "nextTick"],
  [crypto, "getRandomValues"],
  [crypto, "randomUUID"],
  [AbortSignal, "timeout"],
  [Promise.prototype, "then"],
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"].map((name) => [globalThis, name] as const)
]

const descriptors = () => replaced.map(([target, name]) => Object.getOwnPropertyDescriptor(target, name))

/** Runs something in a synchronous run, after a day of virtual time. */
const within = <A>(run: (calls: ReadonlyArray<AmbientCall>) => A, seed = 1): A => {
  const time = new VirtualTime(undefined)
  time.now = 86_400_000_000
  const sandbox = new Sandbox(time, time, new RandomStream(seed, "ambient"), false)
  const restore = replaceGlobals()
  try {
    return at(sandbox.root, () => run(sandbox.calls))
  } finally {
    restore()
  }
}

describe("the platform during a run", () => {
  it("is as it was after it, however the run ends", () => {
    const before = descriptors()
    within(() => {
      for (const [index, [target, name]] of replaced.entries()) {
        const now = Object.getOwnPropertyDescriptor(target, name)!
        expect((target as Record<string, unknown>)[name]).not.toBe(before[index]?.value ?? undefined)
        expect(now.enumerable).toBe(before[index]?.enumerable ?? false)
      }
    })
    expect(descriptors()).toEqual(before)
    expect(() =>
      within(() => {
        throw new Error("odd")
      })
    ).toThrow("odd")
    expect(descriptors()).toEqual(before)
    within(() => within(() => {}))
    expect(descriptors()).toEqual(before)
  })

  it("is replaced where other code has replaced it, or made it read-only, since the last run", () => {
    const isReal = () => String(crypto.randomUUID()) === "real"
    const before = descriptors()
    const original = Object.getOwnPropertyDescriptor(globalThis, "crypto")!
    expect(within(isReal)).toBe(false)
    Object.defineProperty(globalThis, "crypto", { configurable: true, value: { randomUUID: () => "real" } })
    expect([within(isReal), isReal()]).toEqual([false, true])
    Object.defineProperty(globalThis, "crypto", original)
    Object.defineProperty(globalThis, "setTimeout", { writable: false })
    const real = setTimeout
    expect([within(() => setTimeout === real), setTimeout === real]).toEqual([false, true])
    within(() => Object.defineProperty(globalThis, "setInterval", { writable: false }))
    for (const name of ["setTimeout", "setInterval"]) Object.defineProperty(globalThis, name, { writable: true })
    expect(descriptors()).toEqual(before)
  })

  it("keeps its ticks where a test runner assigns those that were there before", () => {
    const { nextTick } = process
    within((calls) => {
      process.nextTick = nextTick
      process.nextTick(() => {})
      expect(calls.map(({ name }) => name)).toEqual(["process.nextTick"])
    })
    expect(process.nextTick).toBe(nextTick)
  })

  it("has the time of the run, in every form", () => {
    const day = "1970-01-02T00:00:00.000Z"
    within(() => {
      expect(Date.now()).toBe(86_400_000)
      expect(new Date().toISOString()).toBe(day)
      expect(new Date(5).getTime()).toBe(5)
      expect(new Date(2000, 1, 1).getFullYear()).toBe(2000)
      expect(Date.parse(day)).toBe(86_400_000)
      expect(Date()).toBe(new Date(86_400_000).toString())
      expect(new Date()).toBeInstanceOf(Date)
      expect(performance.now()).toBe(86_400_000)
      expect(performance.timeOrigin).toBe(0)
      expect(process.hrtime()).toEqual([86_400, 0])
      expect(process.hrtime([86_399, 1])).toEqual([0, 999_999_999])
      expect(process.hrtime.bigint()).toBe(86_400_000_000_000n)
    })
    expect(Date.now()).toBeGreaterThan(1e12)
    expect(performance.timeOrigin).toBeGreaterThan(1e12)
  })

  it("has random numbers of the seed", () => {
    const draw = () => {
      const bytes = new Uint8Array(40)
      expect(crypto.getRandomValues(bytes.subarray(4, 36))).toHaveLength(32)
      expect([...bytes.subarray(0, 4), ...bytes.subarray(36)]).toEqual(new Array(8).fill(0))
      return [Math.random(), crypto.randomUUID(), bytes.join()]
    }
    const [first, again, other] = [1, 1, 2].map((seed) => within(draw, seed))
    expect(again).toEqual(first)
    for (const [index, each] of other!.entries()) expect(each).not.toBe(first![index])
    expect(first![1]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    const words = within(() => crypto.getRandomValues(new Uint32Array(64)))
    expect(Math.max(...words)).toBeGreaterThan(2 ** 31)
  })

  it("tells who starts a timer, of the first hundred", () => {
    const calls = within((calls) => {
      clearTimeout(setTimeout(() => {}, 0))
      clearInterval(setInterval(() => {}, 1000))
      queueMicrotask(() => {})
      for (let count = 0; count < 200; count++) clearImmediate(setImmediate(() => {}))
      return calls
    })
    expect(calls.slice(0, 4).map(({ name }) => name)).toEqual([
      "setTimeout",
      "setInterval",
      "queueMicrotask",
      "setImmediate"
    ])
    expect(calls).toHaveLength(100)
    expect(calls.every(({ caller }) => caller.includes("globals.test"))).toBe(true)
  })
})

const { getBuiltinModule, moduleLoadList } = process as unknown as {
  readonly getBuiltinModule: (name: "node:http2") => { readonly createServer: unknown }
  readonly moduleLoadList: ReadonlyArray<string>
}

// Nothing else in this file loads it; an import of a module of Node would, in Vitest.
it.effect("a run leaves node:http2 alone until the program has loaded it", () =>
  Effect.gen(function*() {
    const isLoaded = () => moduleLoadList.includes("NativeModule http2")
    const before = isLoaded()
    yield* Simulation.run(Effect.void)
    expect(isLoaded()).toBe(before)
    const own = getBuiltinModule("node:http2").createServer
    const name: string = "node:http2"
    const module = yield* Effect.promise(() => import(name) as Promise<{ readonly createServer: unknown }>)
    yield* Simulation.run(Effect.void)
    const replaced = getBuiltinModule("node:http2").createServer
    expect([isLoaded(), replaced === own, module.createServer === replaced]).toEqual([true, before, true])
    yield* Simulation.run(Effect.void)
    expect(getBuiltinModule("node:http2").createServer).toBe(replaced)
  }))
