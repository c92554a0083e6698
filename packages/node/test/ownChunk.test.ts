import { constants, PerformanceObserver } from "node:perf_hooks"
import * as V8 from "node:v8"
import * as Vm from "node:vm"
import { expect, it } from "vitest"
import * as OwnChunk from "../src/internal/facade/ownChunk.ts"
import { makeYoungCollection } from "../src/internal/facade/youngCollection.ts"

// The types of Node lack `detail`.
interface Collection {
  readonly detail: { readonly kind: number }
}

it("frees chunks by collections of the young generation", async () => {
  const isExposed = "gc" in globalThis
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as unknown as ReadonlyArray<Collection>) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) collections++
    }
  })
  observer.observe({ entryTypes: ["gc"] })
  const chunk = new Uint8Array(64 * 1024)
  // 160 MB, of which each collection frees 6.
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 64; j++) OwnChunk.copy(chunk)
    await new Promise((resolve) => setImmediate(resolve))
  }
  observer.disconnect()
  // Without those that are started, there are some two.
  expect(collections).toBeGreaterThan(20)
  // The program and its contexts see nothing of it.
  expect("gc" in globalThis).toBe(isExposed)
  expect(Vm.runInNewContext("'gc' in globalThis")).toBe(isExposed)
})

it("copies into a chunk that was given back, if it has that length, and once", () => {
  const first = OwnChunk.copy(Uint8Array.of(1, 2, 3))
  OwnChunk.recycle(first)
  expect(OwnChunk.copy(Uint8Array.of(4, 5))).toEqual(Buffer.of(4, 5))
  expect(OwnChunk.copy(Uint8Array.of(6, 7, 8))).toBe(first)
  expect(first).toEqual(Buffer.of(6, 7, 8))
  expect(OwnChunk.copy(Uint8Array.of(9, 9, 9))).not.toBe(first)
})

it("leaves --expose-gc set for a program that has set it", () => {
  const wasExposed = Vm.runInNewContext("'gc' in globalThis") as boolean
  V8.setFlagsFromString("--expose-gc")
  try {
    makeYoungCollection()()
    expect(Vm.runInNewContext("'gc' in globalThis")).toBe(true)
  } finally {
    if (!wasExposed) V8.setFlagsFromString("--no-expose-gc")
  }
})
