import { describe, expect, it } from "@effect/vitest"
import { PeerCounts } from "../src/internal/accept/peerCounts.ts"
import type { Prefix } from "../src/internal/address/networkSet.ts"

const sources: ReadonlyArray<Prefix> = [0x0a000001, 0x0a000002n]
const peer = {} as Parameters<PeerCounts["add"]>[0]

const orders = (left: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
  left.length === 0
    ? [[]]
    : left.flatMap((each) => orders(left.filter((other) => other !== each)).map((rest) => [each, ...rest]))

describe("PeerCounts", () => {
  it.each(orders([0, 1, 2, 3]))("counts what is open, closed in the order %i, %i, %i, %i", (...order) => {
    const counts = new PeerCounts()
    const slots = [0, 1, 0, 1].map((source) => counts.add(peer, sources[source]))
    const open = new Set(slots)
    for (const index of order) {
      const slot = slots[index]!
      open.delete(slot)
      slot.onClosed()
      slot.onClosed()
      // A program may keep a closed connection.
      expect([slot.previous, slot.next]).toEqual([undefined, undefined])
      for (const source of sources) {
        expect(counts.of(source)).toBe([...open].filter((each) => each.source === source).length)
      }
      let recounted = 0
      counts.recount(() => sources[recounted++ % 2])
      expect(recounted).toBe(open.size)
    }
  })
})
