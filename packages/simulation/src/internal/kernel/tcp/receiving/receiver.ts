import type { Path } from "../path.ts"
import { FIN, type Range, type Segment, SYN } from "../segment.ts"
import * as Settings from "../settings.ts"
import { ReceiveBuffer } from "./receiveBuffer.ts"

/** When an acknowledgment is to be sent: at once, when the program has had its turn to read, or a little later. */
export type Urgency = "atOnce" | "whenRead" | "delayed"

const largestRead = 64 * 1024

/** The receiving half of a connection: what has come, how much more may come, and when that is to be acknowledged. */
export class Receiver {
  readonly #path: Path
  readonly #buffer: ReceiveBuffer
  /** The peer's initial sequence number. */
  peerBase = 0
  // The peer may send up to here.
  #announcedEdge = 0
  #finSequence = Infinity
  #unacknowledged = 0

  constructor(path: Path, capacity: number) {
    this.#path = path
    this.#buffer = new ReceiveBuffer(capacity)
  }

  /** Takes the peer's SYN. */
  meet(syn: Segment): void {
    this.peerBase = syn.sequenceBase
    this.#buffer.next = 1
    this.#announcedEdge = 1
  }

  /** The sequence number of what is missing next: the acknowledgment of all before it. */
  get next(): number {
    return this.#buffer.next
  }

  /** What has come ahead. */
  get ranges(): ReadonlyArray<Range> {
    return this.#buffer.ranges
  }

  get readableBytes(): number {
    return this.#buffer.readableBytes
  }

  /** Whether the peer's FIN has come, and everything before it. */
  get hasFinished(): boolean {
    return this.#buffer.next > this.#finSequence
  }

  /** What has come, as a read of 64 KiB gives it: all of it if it fits, or less by chance. */
  read(): Uint8Array | undefined {
    const buffer = this.#buffer
    if (buffer.readableBytes === 0) return undefined
    return buffer.take(this.#path.divides() ? this.#path.part(buffer.firstLength) : largestRead)
  }

  /** Whether nobody else has the array that `read` returned last. */
  get hasCopied(): boolean {
    return this.#buffer.hasCopied
  }

  /** Whether a segment without payload may begin here. */
  isInWindow(sequence: number): boolean {
    const { next } = this.#buffer
    return sequence >= next && sequence <= Math.max(next, this.#announcedEdge)
  }

  /** Takes what is new of a segment and fits into the window. */
  receive(segment: Segment): Urgency {
    const buffer = this.#buffer
    const { payload, sequence } = segment
    const fits = Math.max(0, Math.min(payload.length, this.#announcedEdge - sequence))
    if (fits < payload.length && fits === 0) return "atOnce"
    const hadGaps = buffer.hasGaps
    const before = buffer.next
    if (fits > 0) buffer.insert(sequence, fits < payload.length ? payload.subarray(0, fits) : payload)
    if (segment.flags & FIN && fits === payload.length) this.#finSequence = sequence + payload.length
    if (buffer.next === this.#finSequence) {
      buffer.next++
      return "atOnce"
    }
    this.#unacknowledged += payload.length
    if (hadGaps || buffer.hasGaps || buffer.next === before) return "atOnce"
    return this.#unacknowledged >= 2 * this.#path.segmentSize ? "whenRead" : "delayed"
  }

  get hasUnacknowledged(): boolean {
    return this.#unacknowledged > 0
  }

  acknowledged(): void {
    this.#unacknowledged = 0
  }

  get #free(): number {
    return Math.max(0, this.#buffer.capacity - this.#buffer.readableBytes)
  }

  /** The window that a segment with these flags announces. */
  announce(flags: number): number {
    const free = this.#free
    // The window of a SYN is not scaled.
    const window = flags & SYN ? Math.min(65535, free) : free - free % Settings.windowUnit
    this.#announcedEdge = Math.max(this.#announcedEdge, this.#buffer.next + window)
    return window
  }

  /** Whether reading has made so much room that it is worth a segment (RFC 9293, section 3.8.6.2.2). */
  get hasGainedRoom(): boolean {
    const { capacity, next } = this.#buffer
    const gained = next + this.#free - this.#announcedEdge
    const left = this.#announcedEdge - next
    return gained >= Math.min(capacity / 2, 2 * this.#path.segmentSize) && left < capacity / 2
  }
}
