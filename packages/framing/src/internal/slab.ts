import * as Chunks from "../Chunks.ts"

/** Each slab is twice as large as the last, so that a decoder that waits for its first frame holds little. */
const smallest = 1024
const largest = 32768

const empty = new Uint8Array(0)

/**
 * Room for frames that span chunks, so that small ones share an allocation. Bytes that were handed out are never written
 * again.
 */
export class Slab {
  bytes: Uint8Array = empty
  #top = 0
  #size = smallest

  /** Takes all that is left of the slab, if that is enough, or of a new one. Returns where it begins. */
  claim(room: number): number {
    const at = this.#top
    return at + room > this.bytes.length ? this.claimNew(room) : this.#claimFrom(at)
  }

  /** Takes a new slab. */
  claimNew(room: number): number {
    this.bytes = Chunks.allocateUnsafe(Math.max(room, this.#size))
    if (this.#size < largest) this.#size *= 2
    return this.#claimFrom(0)
  }

  /** Gives back what was not used, from `at` on. */
  release(at: number): void {
    this.#top = at
  }

  #claimFrom(at: number): number {
    this.#top = this.bytes.length
    return at
  }
}
