import { copy } from "../../../fabric/copyPool.ts"
import { none } from "../segment.ts"

// Memory in large pieces is dear to get.
const pieceBytes = 32 * 1024

/** Bytes that were written and are not yet acknowledged, found by their sequence numbers. */
export class SendBuffer {
  readonly #capacity: number
  #chunks: Array<Uint8Array> = []
  // Where each chunk begins.
  #starts: Array<number> = []
  #head = 0
  /** The first byte that is kept, and the one after the last: the first ever has the number 1. */
  start = 1
  end = 1

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get room(): number {
    return this.#capacity - (this.end - this.start)
  }

  /** Takes a copy of as much as there is room for; answers how much. */
  append(chunk: Uint8Array): number {
    const taken = Math.min(this.room, chunk.length)
    if (taken === 0) return 0
    if (taken === chunk.length && taken <= pieceBytes) {
      this.#keep(copy(chunk))
    } else {
      for (let offset = 0; offset < taken; offset += pieceBytes) {
        this.#keep(copy(chunk.subarray(offset, Math.min(offset + pieceBytes, taken))))
      }
    }
    return taken
  }

  #keep(piece: Uint8Array): void {
    this.#chunks.push(piece)
    this.#starts.push(this.end)
    this.end += piece.length
  }

  /** The bytes from `from` up to `to`, which are all there: a view where they lie in one chunk. */
  bytes(from: number, to: number): Uint8Array {
    if (from === to) return none
    let index = this.#indexOf(from)
    const chunk = this.#chunks[index]!
    const offset = from - this.#starts[index]!
    if (offset === 0 && to - from === chunk.length) return chunk
    if (offset + to - from <= chunk.length) return chunk.subarray(offset, offset + to - from)
    const all = new Uint8Array(to - from)
    let at = from
    while (at < to) {
      const begin = at - this.#starts[index]!
      const part = this.#chunks[index]!.subarray(begin, begin + to - at)
      all.set(part, at - from)
      at += part.length
      index++
    }
    return all
  }

  /** Forgets what comes before `until`. */
  release(until: number): void {
    this.start = Math.min(until, this.end)
    while (
      this.#head < this.#chunks.length && this.#starts[this.#head]! + this.#chunks[this.#head]!.length <= this.start
    ) {
      this.#chunks[this.#head++] = none
    }
    if (this.#head === this.#chunks.length) {
      // Unlike a length of 0, this keeps the memory of short arrays.
      for (; this.#head > 0; this.#head--) {
        this.#chunks.pop()
        this.#starts.pop()
      }
    } else if (this.#head > 64 && this.#head > this.#chunks.length / 2) {
      this.#chunks = this.#chunks.slice(this.#head)
      this.#starts = this.#starts.slice(this.#head)
      this.#head = 0
    }
  }

  #indexOf(sequence: number): number {
    let low = this.#head
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= sequence) low = middle
      else high = middle - 1
    }
    return low
  }
}
