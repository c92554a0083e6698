import * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import type { FramingInput } from "@sluice/framing/FramingInput"
import * as Data from "effect/Data"
import { type Marker, markerBytes } from "../fields/literal.ts"
import type { CodecValue } from "../machine/codec.ts"
import { Cursor, stop } from "../machine/cursor.ts"
import { advance, decodeError } from "./framing.ts"

/** Bytes that were skipped, because no frame was in them. */
export class Skipped extends Data.TaggedClass("Skipped")<{
  /** How many bytes. */
  readonly count: number
  /** The place in the byte stream of the first of them. */
  readonly offset: number
  /** Why the frame at their front was refused, if one began there. */
  readonly error: FramingError | undefined
}> {}

/** Frames that begin with a marker, in noise: what is none is skipped up to the next marker. */
export const resync = <A>(
  codec: CodecValue<A>,
  frames: Framing.Framing<A>,
  start: Marker,
  limit: number
): Framing.Framing<A, A | Skipped> => {
  if (frames.invalid !== undefined) return frames
  const marker = markerBytes(start)
  return Framing.make<A, A | Skipped>({
    encode: frames.encode,
    makeDecode: () => {
      const c = new Cursor(limit)
      const noise = new Noise()
      return (input) => {
        for (;;) {
          if (c.saved.length === 0) {
            const { at, isWhole } = find(input, marker, noise.kept)
            if (!isWhole) {
              if (input.ended) return noise.report(input, input.length)
              noise.keep(input, at)
              return input.need(noise.kept + marker.length)
            }
            if (at > 0) return noise.report(input, at)
          }
          const value = advance(codec, c, input)
          if (value !== stop) {
            input.skip(c.at - input.start)
            return value
          }
          if (c.problem === undefined) return input.need(c.wanted)
          noise.error ??= decodeError(c, codec.title)
          noise.kept = 1
          c.reset()
        }
      }
    }
  })
}

/** The noise before the next frame. */
class Noise {
  /** How many bytes of it have been consumed. */
  count = 0
  offset = 0
  error: FramingError | undefined = undefined
  /** How many bytes at the front of the window are noise: one stays, since what is told has to consume something. */
  kept = 0

  /** Consumes noise but for its last byte. */
  keep(input: FramingInput, n: number): void {
    if (this.count === 0) this.offset = input.position
    this.kept = n > 0 ? 1 : 0
    if (n > 1) {
      this.count += n - 1
      input.idle(n - 1)
    }
  }

  report(input: FramingInput, n: number): Skipped {
    if (this.count === 0) this.offset = input.position
    const skipped = new Skipped({ count: this.count + n, error: this.error, offset: this.offset })
    input.skip(n)
    this.count = this.kept = 0
    this.error = undefined
    return skipped
  }
}

interface Found {
  readonly at: number
  readonly isWhole: boolean
}

/** Where the marker begins, or may begin, in the window. */
const find = ({ bytes, end, start }: FramingInput, marker: Uint8Array, from: number): Found => {
  for (let at = start + from; at < end; at++) {
    let i = 0
    while (i < marker.length && at + i < end && bytes[at + i] === marker[i]) i++
    if (i === marker.length) return { at: at - start, isWhole: true }
    if (at + i === end) return { at: at - start, isWhole: false }
  }
  return { at: end - start, isWhole: false }
}
