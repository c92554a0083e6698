import { assert, describe, expect, it } from "vitest"
import { UnderWay } from "../../src/internal/kernel/tcp/sending/inFlight.ts"
import { SendBuffer } from "../../src/internal/kernel/tcp/sending/sendBuffer.ts"
import { RandomStream } from "../../src/internal/time/random.ts"

describe("what was written and is not yet acknowledged", () => {
  const byteAt = (sequence: number) => (sequence * 7) % 251

  it("is found by its sequence numbers, as much as there is room for", () => {
    const random = new RandomStream(1, "send buffer")
    for (const [capacity, most] of [[1, 3], [50, 20], [3000, 40], [300_000, 90_000]] as const) {
      const buffer = new SendBuffer(capacity)
      for (let round = 0; round < 1500; round++) {
        const { end, room, start } = buffer
        expect(room).toBe(capacity - (end - start))
        if (random.chance(0.6)) {
          const chunk = Uint8Array.from({ length: random.below(most) }, (_, index) => byteAt(end + index))
          assert(buffer.append(chunk) === Math.min(room, chunk.length))
          chunk.fill(0)
          assert(buffer.end === end + Math.min(room, chunk.length))
        } else {
          const until = start + random.below(Math.min(end - start, 2 * most) + 1)
          buffer.release(until)
          assert(buffer.start === until)
        }
        const from = buffer.start + random.below(buffer.end - buffer.start)
        const to = from + random.below(Math.min(buffer.end - from, most) + 1)
        const found = buffer.bytes(from, to)
        expect(found.length).toBe(to - from)
        assert(found.every((byte, index) => byte === byteAt(from + index)), `from ${from} to ${to}`)
        if (capacity > 100_000 && round > 150) break
      }
      // A FIN has a number of its own.
      buffer.release(buffer.end + 1)
      expect([buffer.start, buffer.room]).toEqual([buffer.end, capacity])
    }
  })
})

describe("what is in flight", () => {
  interface Byte {
    order: number
    sentAt: number
    isRepeated: boolean
    state: "in flight" | "lost" | "sacked"
  }

  it("is lost when something that was sent later has arrived, and time enough has passed (RFC 8985)", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new RandomStream(seed, "in flight")
      const underWay = new UnderWay()
      // By sequence number; those before `first` are acknowledged.
      const bytes: Array<Byte> = []
      const bounds: Array<number> = [0]
      let [first, now, order, newest, newestTrip] = [0, 0, 0, 0, 0]
      const arrived = ({ order, sentAt }: Byte) => {
        if (order > newest) [newest, newestTrip] = [order, now - sentAt]
      }
      const check = () => {
        const here = bytes.slice(first)
        const lost = here.findIndex(({ state }) => state === "lost")
        expect(underWay.bytes).toBe(here.filter(({ state }) => state === "in flight").length)
        expect([underWay.isEmpty, underWay.hasLost]).toEqual([here.length === 0, lost >= 0])
        expect(underWay.first?.start).toBe(here.length === 0 ? undefined : first)
        expect(underWay.nextLost?.start).toBe(lost < 0 ? undefined : first + lost)
      }
      for (let round = 0; round < 300; round++) {
        now += 1 + random.below(5)
        const action = random.next()
        if (action < 0.4) {
          const [start, end] = [bytes.length, bytes.length + 1 + random.below(4)]
          underWay.sent(start, end, now)
          order++
          for (let at = start; at < end; at++) bytes.push({ order, sentAt: now, isRepeated: false, state: "in flight" })
          bounds.push(end)
        } else if (action < 0.6) {
          const until = first + random.below(Math.min(bytes.length - first, 6) + 1)
          // What is acknowledged in part has not arrived.
          const whole = Math.max(first, ...bounds.filter((bound) => bound <= until))
          for (const byte of bytes.slice(first, whole)) if (byte.state !== "sacked") arrived(byte)
          underWay.acknowledge(until, now)
          first = until
        } else if (action < 0.75 && first < bytes.length) {
          const inside = bounds.filter((bound) => bound > first)
          const from = random.below(inside.length)
          const range = [inside[from]!, inside[Math.min(inside.length - 1, from + 1 + random.below(3))]!] as const
          for (const byte of bytes.slice(...range)) {
            if (byte.state !== "sacked") arrived(byte)
            byte.state = "sacked"
          }
          underWay.mark([range], now)
        } else if (action < 0.85) {
          const reordering = random.below(10)
          let again = Infinity
          let lost: number | undefined
          // Without a gap and a retransmission, a later timeout finds out.
          const isInDoubt = bytes.some(({ isRepeated, state }, at) => at >= first && (isRepeated || state === "sacked"))
          for (const [at, byte] of bytes.entries()) {
            if (!isInDoubt || at < first || byte.state !== "in flight" || byte.order >= newest) continue
            const due = byte.sentAt + newestTrip + reordering
            if (due > now) {
              again = Math.min(again, due)
            } else {
              lost ??= at
              byte.state = "lost"
            }
          }
          const found = underWay.detect(now, reordering)
          assert.deepStrictEqual([found.lost?.start, found.again], [lost, again])
        } else if (action < 0.97) {
          const lost = underWay.nextLost
          if (lost !== undefined) {
            const { start } = lost
            const end = Math.min(lost.end, start + 1 + random.below(4))
            underWay.resent(lost, end, now)
            order++
            for (let at = start; at < end; at++) {
              bytes[at] = { order, sentAt: now, isRepeated: true, state: "in flight" }
            }
            if (!bounds.includes(end)) bounds.push(end)
            bounds.sort((a, b) => a - b)
          }
        } else {
          underWay.loseAll()
          for (const byte of bytes.slice(first)) if (byte.state === "in flight") byte.state = "lost"
        }
        check()
      }
    }
  })

  it("measures round trips, but not of what was sent twice (Karn's algorithm)", () => {
    const underWay = new UnderWay()
    for (let at = 0; at < 300; at++) underWay.sent(at, at + 1, at)
    expect(underWay.acknowledge(1, 50)).toBe(50)
    // The last one counts, of those that the peer did not have before.
    expect(underWay.acknowledge(3, 60)).toBe(58)
    underWay.mark([[4, 5]], 70)
    expect(underWay.acknowledge(5, 80)).toBe(77)
    expect(underWay.acknowledge(5, 90)).toBe(undefined)
    underWay.loseAll()
    underWay.resent(underWay.nextLost!, 6, 100)
    expect(underWay.acknowledge(6, 110)).toBe(undefined)
    for (let at = 6; at < 300; at++) expect(underWay.acknowledge(at + 1, 1000)).toBe(1000 - at)
    expect(underWay.isEmpty).toBe(true)
  })

  it("takes what comes sooner than any round trip for the answer to an earlier transmission", () => {
    for (const leastRoundTrip of [0, 20]) {
      const underWay = new UnderWay()
      underWay.leastRoundTrip = leastRoundTrip
      underWay.sent(0, 1, 0)
      underWay.sent(1, 2, 0)
      underWay.loseAll()
      underWay.resent(underWay.first!, 1, 100)
      underWay.resent(underWay.nextLost!, 2, 101)
      underWay.mark([[1, 2]], 110)
      expect(underWay.detect(1000, 0).lost?.start).toBe(leastRoundTrip === 0 ? 0 : undefined)
    }
  })
})
