const size = 64 * 1024

// A stream that is idle holds none.
const free: Array<Uint8Array> = []
const most = 64

/** Gathers small chunks while a write is under way, so that they go together into the next one. */
export class Staging {
  #buffer: Uint8Array | undefined = undefined
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** Takes a copy of all chunks, if there is room for them. */
  add(chunks: ReadonlyArray<Uint8Array>): boolean {
    let total = this.#length
    for (const chunk of chunks) total += chunk.length
    if (total > size) return false
    const buffer = this.#buffer ??= free.pop() ?? Buffer.allocUnsafeSlow(size)
    for (const chunk of chunks) {
      buffer.set(chunk, this.#length)
      this.#length += chunk.length
    }
    return true
  }

  /** Lends everything for the call, and is empty afterwards. */
  drain(use: (chunk: Uint8Array) => void): void {
    const buffer = this.#buffer!
    use(buffer.subarray(0, this.#length))
    this.#buffer = undefined
    this.#length = 0
    if (free.length < most) free.push(buffer)
  }
}
