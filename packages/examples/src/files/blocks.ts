/**
 * The bytes of a file, after `Start`: blocks, each behind its length in 32 bits. A length of 0 is followed by the SHA-256 of
 * the whole file, and the highest length means that the sender gives up.
 *
 * Blocks are not messages of the codec, which would copy each of them: at this rate, garbage collection of the copies would
 * be most of the work.
 */
import * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Channel, failure } from "./protocol.ts"

const digestLength = 32
const givenUp = 0xffff_ffff

const headerOf = (length: number): Uint8Array => {
  const header = new Uint8Array(4)
  new DataView(header.buffer).setUint32(0, length)
  return header
}

const write = (channel: Channel, chunks: ReadonlyArray<Uint8Array>) =>
  Effect.andThen(Connection.writeAll(channel.connection, chunks), channel.touch)

/** Sends a block of at least one byte. */
export const send = (channel: Channel, bytes: Uint8Array) => write(channel, [headerOf(bytes.length), bytes])

export const end = (channel: Channel, digest: Uint8Array) => write(channel, [headerOf(0), digest])

export const giveUp = (channel: Channel) => write(channel, [headerOf(givenUp)])

/** Passes all bytes to `onBytes`, which must not keep them, and returns the digest. Nothing can be received after it. */
export const receive = Effect.fnUntraced(function*<E, R>(
  channel: Channel,
  onBytes: (bytes: Uint8Array) => Effect.Effect<unknown, E, R>
) {
  // Gathers each length, and at the end the digest.
  const field = new Uint8Array(digestLength)
  let gathered = 0
  let wanted = 4
  let left = 0
  yield* Stream.runForEachWhile(
    Lending.bytes(channel.connection),
    Effect.fnUntraced(function*(chunk) {
      yield* channel.touch
      let at = 0
      while (at < chunk.length) {
        const part = chunk.subarray(at, at + (left > 0 ? left : wanted - gathered))
        at += part.length
        if (left > 0) {
          left -= part.length
          yield* onBytes(part)
          continue
        }
        field.set(part, gathered)
        gathered += part.length
        if (gathered < wanted) continue
        if (wanted === digestLength) return false
        left = new DataView(field.buffer).getUint32(0)
        gathered = 0
        if (left === 0) wanted = digestLength
        if (left === givenUp) {
          return yield* failure("Changed", "the sender cannot read all of the file")
        }
      }
      return true
    })
  )
  if (gathered < digestLength) return yield* channel.ended
  return field
})
