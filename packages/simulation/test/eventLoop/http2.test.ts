import { expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"

const { getBuiltinModule, moduleLoadList } = process as unknown as {
  readonly getBuiltinModule: (name: "node:http2") => { readonly createServer: unknown }
  readonly moduleLoadList: ReadonlyArray<string>
}

// Nothing else in this file loads it, nor node:http, with which Vite would load it.
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
