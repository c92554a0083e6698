import * as Framing from "@sluice/core/Framing"
import type { FramingError } from "@sluice/core/FramingError"
import type { FramingInput } from "@sluice/core/FramingInput"
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
          const found = c.saved.length > 0 ? found0 : find(input, marker)
          if (!found.isWhole) {
            // What may be the beginning of a marker is kept; else one byte, so that the end of the input is told.
            noise.skip(input, Math.min(found.at, input.length - 1))
            return input.ended ? noise.end(input) : input.need(marker.length)
          }
          if (found.at > 0) noise.skip(input, found.at)
          if (noise.count > 0) return noise.report()
          const value = advance(codec, c, input)
          if (value !== stop) {
            input.skip(c.at - input.start)
            return value
          }
          if (c.problem === undefined) return input.need(c.wanted)
          noise.error = decodeError(c, codec.title)
          c.reset()
          noise.skip(input, 1)
        }
      }
    }
  })
}

/** The bytes that have been skipped and not yet told. */
class Noise {
  count = 0
  offset = 0
  error: FramingError | undefined = undefined

  skip(input: FramingInput, n: number): void {
    if (n === 0) return
    if (this.count === 0) this.offset = input.position
    this.count += n
    input.idle(n)
  }

  end(input: FramingInput): Skipped {
    if (this.count === 0) this.offset = input.position
    this.count += input.length
    input.skip(input.length)
    return this.report()
  }

  report(): Skipped {
    const { count, error, offset } = this
    this.count = 0
    this.error = undefined
    return new Skipped({ count, error, offset })
  }
}

interface Found {
  readonly at: number
  readonly isWhole: boolean
}

/** A frame that resumes was found before. */
const found0: Found = { at: 0, isWhole: true }

/** Where the marker begins, or may begin, in the window. */
const find = ({ bytes, end, start }: FramingInput, marker: Uint8Array): Found => {
  for (let at = start; at < end; at++) {
    let i = 0
    while (i < marker.length && at + i < end && bytes[at + i] === marker[i]) i++
    if (i === marker.length) return { at: at - start, isWhole: true }
    if (at + i === end) return { at: at - start, isWhole: false }
  }
  return { at: end - start, isWhole: false }
}
