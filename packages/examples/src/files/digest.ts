/** SHA-256 of files, in a bounded amount of memory. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { createHash, type Hash } from "node:crypto"

export const empty = (): Hash => createHash("sha256")

/**
 * Reads into a buffer, at an offset. Not interrupted: the descriptor must not be closed, and its number reused, while
 * the system still reads.
 */
export const readAt = (file: FileSystem.File, buffer: Uint8Array, offset: number) =>
  Effect.uninterruptible(file.read(buffer, { position: BigInt(offset) }))

/** The hash of the first bytes of a file, and how many there were. */
export const ofPrefix = Effect.fnUntraced(function*(file: FileSystem.File, length: number) {
  const hash = empty()
  const buffer = new Uint8Array(Math.min(length, 256 * 1024))
  let offset = 0
  while (offset < length) {
    const read = yield* readAt(file, buffer.subarray(0, length - offset), offset)
    if (read === 0) break
    hash.update(buffer.subarray(0, read))
    offset += read
  }
  return { hash, length: offset }
})

/** The digest of what has been hashed so far. */
export const current = (hash: Hash): Uint8Array => hash.copy().digest()

export const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
