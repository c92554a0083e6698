import { constants, PerformanceObserver } from "node:perf_hooks"
import { expect, it } from "vitest"
import * as OwnChunk from "../src/internal/facade/ownChunk.ts"

// The types of Node lack `detail`.
interface Collection {
  readonly detail: { readonly kind: number }
}

it("frees large chunks by collections of the young generation", async () => {
  let young = 0
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as unknown as ReadonlyArray<Collection>) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) young++
    }
  })
  observer.observe({ entryTypes: ["gc"] })
  const chunk = new Uint8Array(64 * 1024)
  // 160 MB, of which each collection frees 32.
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 64; j++) OwnChunk.copy(chunk)
    await new Promise((resolve) => setImmediate(resolve))
  }
  observer.disconnect()
  expect(young).toBeGreaterThan(2)
})
