import { expect, it } from "vitest"
import type { Path } from "../../src/internal/kernel/tcp/path.ts"
import { Receiver } from "../../src/internal/kernel/tcp/receiving/receiver.ts"
import { ACK, bare, FIN, type Segment, SYN } from "../../src/internal/kernel/tcp/segment.ts"

const segmentSize = 100
const unit = 128

/** The receiving half of a connection whose handshake is over, with a buffer of 8,192 bytes. */
const receiverOf = (capacity = 8192) => {
  const path = { segmentSize, divides: () => false, part: (size: number) => size } as unknown as Path
  const receiver = new Receiver(path, capacity)
  const segment = (sequence: number, length: number, flags = ACK) =>
    ({ ...bare, flags, sequence, sequenceBase: 7, payload: new Uint8Array(length) }) as unknown as Segment
  receiver.meet(segment(0, 0, SYN))
  return { receiver, receive: (...args: Parameters<typeof segment>) => receiver.receive(segment(...args)) }
}

it("a window is what is free, in units of its scale but for that of a SYN, and never moves back", () => {
  const { receive, receiver } = receiverOf()
  expect([receiver.peerBase, receiver.next]).toEqual([7, 1])
  expect(receiver.announce(SYN)).toBe(8192)
  expect(receiverOf(100_000).receiver.announce(SYN)).toBe(65_535)
  expect(receiver.announce(ACK)).toBe(8192)
  receive(1, 10)
  // 8,182 are free: 63 units; but the peer may send up to where it was told before.
  expect(receiver.announce(ACK)).toBe(63 * unit)
  expect([8193, 8194].map((sequence) => receiver.isInWindow(sequence))).toEqual([true, false])
  expect(receiver.read()).toHaveLength(10)
  expect(receiver.read()).toBeUndefined()
  expect(receiver.announce(ACK)).toBe(8192)
  expect([10, 11, 8203, 8204].map((sequence) => receiver.isInWindow(sequence))).toEqual([false, true, true, false])
})

it("what is beyond the window is not taken, and acknowledged at once", () => {
  const { receive, receiver } = receiverOf()
  receiver.announce(ACK)
  expect(receive(1, 8192)).toBe("whenRead")
  expect(receive(8193, 1)).toBe("atOnce")
  expect(receive(8192, 5)).toBe("atOnce")
  expect([receiver.next, receiver.readableBytes]).toEqual([8193, 8192])
  // Of a segment that fits in part, that part is taken; its FIN is behind it.
  const other = receiverOf()
  other.receiver.announce(ACK)
  expect(other.receive(1, 8200, FIN | ACK)).toBe("whenRead")
  expect([other.receiver.next, other.receiver.hasFinished]).toEqual([8193, false])
})

it("two full segments are acknowledged when the program has read, less after a delay, gaps and FIN at once", () => {
  const { receive, receiver } = receiverOf()
  receiver.announce(ACK)
  expect(receiver.hasUnacknowledged).toBe(false)
  expect([receive(1, 199), receiver.hasUnacknowledged]).toEqual(["delayed", true])
  expect(receive(200, 1)).toBe("whenRead")
  receiver.acknowledged()
  expect([receiver.hasUnacknowledged, receive(201, 10)]).toEqual([false, "delayed"])
  // What came before, what came ahead, and what fills the gap.
  expect(receive(201, 10)).toBe("atOnce")
  expect([receive(221, 10), receiver.ranges]).toEqual(["atOnce", [[221, 231]]])
  expect([receive(211, 5), receive(216, 5), receiver.next]).toEqual(["atOnce", "atOnce", 231])
  // FIN ahead of a gap is not the end yet.
  expect([receive(241, 10, FIN | ACK), receiver.hasFinished]).toEqual(["atOnce", false])
  expect([receive(231, 10), receiver.hasFinished, receiver.next]).toEqual(["atOnce", true, 252])
})

it("an update of the window is worth a segment when two segments or half of the buffer are free, and little was left", () => {
  const half = receiverOf(1024)
  half.receiver.announce(ACK)
  half.receive(1, 512)
  half.receiver.read()
  expect(half.receiver.hasGainedRoom).toBe(false)
  half.receive(513, 1)
  expect(half.receiver.hasGainedRoom).toBe(true)
  half.receiver.announce(ACK)
  expect(half.receiver.hasGainedRoom).toBe(false)
  const gained = (size: number, capacity: number) => {
    const { receive, receiver } = receiverOf(capacity)
    receiver.announce(ACK)
    receive(1, size)
    receiver.read()
    receive(1 + size, capacity / 2)
    return receiver.hasGainedRoom
  }
  expect([199, 200].map((size) => gained(size, 1024))).toEqual([false, true])
  expect([127, 128].map((size) => gained(size, 256))).toEqual([false, true])
})
