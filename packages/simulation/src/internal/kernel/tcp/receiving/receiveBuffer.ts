import { allocate } from "../../../fabric/copyPool.ts"
import type { Range } from "../segment.ts"

/** A piece that has come ahead of what is missing before it. */
interface Island {
  readonly start: number
  readonly payload: Uint8Array
}

const noRanges: ReadonlyArray<Range> = []

/** Puts what comes in order again, and keeps it until it is read. */
export class ReceiveBuffer {
  readonly capacity: number
  /** The sequence number of the next byte that is missing. */
  next = 0
  #readable: Array<Uint8Array> = []
  readableBytes = 0
  /** Whether nobody else has the array that `take` returned last. */
  hasCopied = false
  // In order, and without overlaps.
  readonly #islands: Array<Island> = []

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get hasGaps(): boolean {
    return this.#islands.length > 0
  }

  /** Takes bytes that begin at `start`; those that are there already are left out. */
  insert(start: number, bytes: Uint8Array): void {
    const skip = this.next - start
    if (skip >= bytes.length) return
    const payload = skip > 0 ? bytes.subarray(skip) : bytes
    if (skip >= 0) {
      this.#append(payload)
      this.#join()
    } else {
      this.#keep(start, payload)
    }
  }

  #append(payload: Uint8Array): void {
    this.#readable.push(payload)
    this.readableBytes += payload.length
    this.next += payload.length
  }

  // Takes in the islands that the mainland has reached.
  #join(): void {
    while (this.#islands.length > 0 && this.#islands[0]!.start <= this.next) {
      const { payload, start } = this.#islands.shift()!
      const skip = this.next - start
      if (skip < payload.length) this.#append(skip > 0 ? payload.subarray(skip) : payload)
    }
  }

  #keep(start: number, payload: Uint8Array): void {
    const islands = this.#islands
    let index = islands.length
    while (index > 0 && islands[index - 1]!.start > start) index--
    const before = islands[index - 1]
    if (before !== undefined) {
      const skip = before.start + before.payload.length - start
      if (skip >= payload.length) return
      if (skip > 0) return this.#keep(start + skip, payload.subarray(skip))
    }
    const after = islands[index]
    if (after !== undefined && start + payload.length > after.start) {
      const fits = after.start - start
      if (fits > 0) islands.splice(index, 0, { start, payload: payload.subarray(0, fits) })
      const rest = payload.subarray(fits)
      if (rest.length > after.payload.length) {
        this.#keep(after.start + after.payload.length, rest.subarray(after.payload.length))
      }
      return
    }
    islands.splice(index, 0, { start, payload })
  }

  /** The first ranges that have come ahead, for the selective acknowledgment: no more than fit into a header. */
  get ranges(): ReadonlyArray<Range> {
    if (this.#islands.length === 0) return noRanges
    const ranges: Array<[number, number]> = []
    for (const { payload, start } of this.#islands) {
      const last = ranges[ranges.length - 1]
      if (last !== undefined && last[1] === start) last[1] += payload.length
      else if (ranges.length === 4) break
      else ranges.push([start, start + payload.length])
    }
    return ranges
  }

  /** Takes what has come, up to `most` bytes: a new array, unless it lies in one piece. */
  take(most: number): Uint8Array | undefined {
    const size = Math.min(most, this.readableBytes)
    if (size === 0) return undefined
    this.readableBytes -= size
    this.hasCopied = size > this.firstLength
    return this.hasCopied ? this.#gather(size) : this.#takeFirst(size)
  }

  #takeFirst(most: number): Uint8Array {
    const first = this.#readable[0]!
    if (first.length <= most) {
      // Of one piece, `pop` keeps the memory of the array, unlike `shift`.
      if (this.#readable.length === 1) this.#readable.pop()
      else this.#readable.shift()
      return first
    }
    this.#readable[0] = first.subarray(most)
    return first.subarray(0, most)
  }

  #gather(size: number): Uint8Array {
    const gathered = allocate(size)
    let pieces = 0
    let filled = 0
    while (filled < size) {
      const piece = this.#readable[pieces]!
      if (piece.length > size - filled) {
        gathered.set(piece.subarray(0, size - filled), filled)
        this.#readable[pieces] = piece.subarray(size - filled)
        break
      }
      gathered.set(piece, filled)
      filled += piece.length
      pieces++
    }
    this.#readable.splice(0, pieces)
    return gathered
  }

  get firstLength(): number {
    return this.#readable[0]?.length ?? 0
  }

  discard(): void {
    this.#readable = []
    this.readableBytes = 0
    this.#islands.length = 0
  }
}
