/**
 * Arrays of chunks, as platforms and protocols gather them: how long they are together, taking bytes off the front, and memory
 * for new ones.
 * `effect/Bytes` concatenates them.
 *
 * @since 0.1.0
 */
import * as Bytes from "effect/Bytes"

/**
 * The number of bytes that the chunks have together.
 *
 * @since 0.1.0
 * @category getters
 */
export const byteLength = (chunks: ReadonlyArray<Uint8Array>): number => {
  let total = 0
  for (const chunk of chunks) total += chunk.length
  return total
}

/**
 * Removes the first `count` bytes from the chunks and returns them: a view if one chunk has them all, otherwise a copy.
 * There must be as many bytes.
 *
 * @since 0.1.0
 * @category mutations
 */
export const takeFrom = (chunks: Array<Uint8Array>, count: number): Uint8Array => {
  const taken: Array<Uint8Array> = []
  let missing = count
  while (missing > 0) {
    const chunk = chunks[0]!
    if (chunk.length <= missing) {
      taken.push(chunk)
      chunks.shift()
      missing -= chunk.length
    } else {
      taken.push(chunk.subarray(0, missing))
      chunks[0] = chunk.subarray(missing)
      missing = 0
    }
  }
  return taken.length === 1 ? taken[0]! : Bytes.concat(taken)
}

interface Platform {
  readonly Buffer?: { readonly allocUnsafeSlow?: (size: number) => Uint8Array }
}

const allocUnsafe = (globalThis as Platform).Buffer?.allocUnsafeSlow

/**
 * A new chunk of `size` bytes whose content is undefined, for bytes that will be written before they are read. To clear
 * memory costs as much as a copy into it, so it is not cleared where the platform offers that. Never send or show bytes of
 * it that were not written: they can be anything that the process had in memory.
 *
 * @since 0.1.0
 * @category constructors
 */
export const allocateUnsafe = (size: number): Uint8Array => {
  // V8 keeps up to 64 bytes in its heap, without an ArrayBuffer of their own.
  if (allocUnsafe === undefined || size <= 64) return new Uint8Array(size)
  const { buffer, byteOffset } = allocUnsafe(size)
  return new Uint8Array(buffer, byteOffset, size)
}
