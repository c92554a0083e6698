/**
 * Arrays of chunks, as platforms and protocols gather them: how long they are together, and taking bytes off the front.
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
