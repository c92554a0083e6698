import { byteLength } from "@sluice/framing/Chunks"

const size = 64 * 1024

// Buffers not in use: an idle stream holds none.
const free: Array<Uint8Array> = []
const most = 64

/** Collects small chunks while a write is in flight, to combine them in the next write. */
export class Staging {
  #buffer: Uint8Array | undefined = undefined
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  hasRoom(bytes: number): boolean {
    return this.#length + bytes <= size
  }

  /** Copies all chunks, if there is room for them. */
  add(chunks: ReadonlyArray<Uint8Array>): boolean {
    if (!this.hasRoom(byteLength(chunks))) return false
    const buffer = this.#buffer ??= free.pop() ?? Buffer.allocUnsafeSlow(size)
    for (const chunk of chunks) {
      buffer.set(chunk, this.#length)
      this.#length += chunk.length
    }
    return true
  }

  /** Lends the content for the call, and is empty after it. */
  drain(use: (chunk: Uint8Array) => void): void {
    const buffer = this.#buffer!
    use(buffer.subarray(0, this.#length))
    this.#buffer = undefined
    this.#length = 0
    if (free.length < most) free.push(buffer)
  }
}
