/**
 * What a framing reads: a window on the bytes that have come and that no frame has used yet.
 */
import type { FramingError } from "./FramingError.ts"

/** The answer of a decode function that has no frame: it needs more bytes, or found an error. */
export const noFrame: unique symbol = Symbol.for("@sluice/core/Framing/noFrame")

export type NoFrame = typeof noFrame

/**
 * The bytes that wait for a framing's decode function.
 *
 * They are `bytes[start]` up to but not including `bytes[end]`: always in one piece, however the network split them.
 * The decode function looks at them in place. When they are enough for a frame it consumes that frame, with `take` or
 * `skip`, and returns it; when they are not, it consumes nothing and returns `need(n)` or `more()`, and is called again
 * when there is more. It is never called with nothing.
 *
 * A bad frame is what `tooLong`, `corrupt` or `invalidText` return, and ends the decoding. A decode function that knows
 * where the next frame begins consumes the bad one first; then `Framing.recover` can go on after it.
 */
export interface Input {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** How many bytes there are: `end - start`. */
  readonly length: number
  /** The place in the byte stream at which the frame being decoded begins. */
  readonly offset: number
  /** Whether these are the last bytes: whatever is missing will not come. */
  readonly ended: boolean
  /** No frame yet: one takes at least `n` bytes, counted from `start`. */
  need(n: number): NoFrame
  /** No frame yet, and no telling how many bytes it takes. */
  more(): NoFrame
  /** Consumes `n` bytes and returns them, without the first `header` of them if given: a view, not a copy. */
  take(n: number, header?: number): Uint8Array
  /** Consumes `n` bytes, and those of them that have not come yet as soon as they come. */
  skip(n: number): void
  /** Consumes `n` bytes of a bad frame whose end has not come yet. `idle` ends it. */
  drop(n: number): void
  /** Consumes `n` bytes that belong to no frame: the frame being decoded begins after them. */
  idle(n: number): void
  /** The frame is longer than the limit. */
  tooLong(limit: number, length: number): NoFrame
  /** The frame breaks the rules of the format. */
  corrupt(why: string): NoFrame
  /** The frame is not text in this encoding. */
  invalidText(encoding: string): NoFrame
  /** What was wrong with the frame, if something was. */
  readonly error: FramingError | undefined
}
