/**
 * What a framing's decode function reads: a window on the bytes that have been received and not yet used.
 *
 * The catalog of `@sluice/framing/Framing` uses these operations and no others, so a framing or a combinator of your own
 * can do what `limit`, `recover` and `union` do.
 *
 * **The contract of a decode function**
 *
 * 1. It looks at `bytes[start]` up to but not including `bytes[end]`: one piece, however the network split the bytes.
 * 2. When they hold a frame, it consumes the frame (`take` or `skip`) and returns it. A frame takes at least one byte.
 * 3. When they do not, it consumes nothing and returns `need(n)`, `whole(n)`, `seek(byte)` or `more()`. It is called again
 *    when that is satisfied.
 * 4. When the frame is invalid, it returns `tooLong`, `corrupt` or `invalidText`, which ends the decoding. If the format
 *    tells where the next frame begins, it first consumes the bad frame (`skip`, or `drop` while its end is not known);
 *    then `recover` can resume behind it.
 * 5. When it consumes bytes that belong to no frame (`idle`), it may return at once: it is called again.
 *
 * It is called with at least one byte, with one exception: at the end of the input while it is dropping a bad frame.
 *
 * @since 0.1.0
 */
import type { FramingError } from "./FramingError.ts"

/**
 * The result of a decode function that has no frame: it needs more bytes, or found an error.
 *
 * @category models
 * @since 0.1.0
 */
export const noFrame: unique symbol = Symbol.for("@sluice/framing/Framing/noFrame")

/**
 * The type of {@link noFrame}.
 *
 * @category models
 * @since 0.1.0
 */
export type NoFrame = typeof noFrame

/**
 * The window of a decode function. All lengths are in bytes; all places are counted from the first byte of the byte stream.
 *
 * @category models
 * @since 0.1.0
 */
export interface FramingInput {
  /** The memory that holds the window. Valid during one call. */
  readonly bytes: Uint8Array
  /** The index in `bytes` of the first byte that has not been consumed. */
  readonly start: number
  /** The index in `bytes` behind the last byte of the window. */
  readonly end: number
  /** How many bytes the window has: `end - start`. */
  readonly length: number
  /** The place in the byte stream of the byte at `start`. */
  readonly position: number
  /** The place in the byte stream at which the frame being decoded begins. */
  readonly offset: number
  /** Whether the window ends with the last byte of the input. */
  readonly ended: boolean

  // Asking for more

  /** No frame yet: it takes at least `n` bytes, counted from `start`. */
  need(n: number): NoFrame
  /**
   * No frame yet: it takes exactly `n` bytes, counted from `start`. Preferred to `need` where the length is known, because
   * a frame that exceeds `limit` can then be skipped.
   */
  whole(n: number): NoFrame
  /** No frame yet, and its length is not known. */
  more(): NoFrame
  /** No frame yet, and none before this byte arrives. */
  seek(byte: number): NoFrame
  /** How many bytes, from `start` on, are known not to be `byte` because of an earlier `seek`. */
  cleared(byte: number): number

  // Consuming

  /** Consumes `n` bytes of the window and returns them, without the first `header` of them: a view, not a copy. */
  take(n: number, header?: number): Uint8Array
  /** The first `n` bytes of the window, which are not consumed: a view, not a copy. */
  peek(n: number): Uint8Array
  /** Consumes `n` bytes. Bytes that have not arrived yet are consumed when they arrive. */
  skip(n: number): void
  /** Consumes `n` bytes of the window, which belong to a bad frame whose end is not known. `idle` ends it. */
  drop(n: number): void
  /** Consumes `n` bytes of the window that belong to no frame. The frame begins behind them; dropping ends. */
  idle(n: number): NoFrame
  /** Whether the rest of a frame is being consumed as it arrives, after `drop` or after a `skip` beyond the window. */
  readonly dropping: boolean

  // Errors

  /** The frame is longer than the limit. */
  tooLong(limit: number, length: number): NoFrame
  /** The frame breaks the rules of the format. */
  corrupt(why: string): NoFrame
  /** The frame is not text in this encoding. */
  invalidText(encoding: string): NoFrame
  /** The frame is invalid for a reason that is known already. */
  fail(error: FramingError): NoFrame
  /** Why the frame is invalid, if it is. */
  readonly error: FramingError | undefined
  /** Whether decoding can resume after the error: the decode function has consumed the bad frame, or is dropping it. */
  readonly recoverable: boolean
  /** Resumes after a recoverable error. */
  recover(): void

  // Limits

  /**
   * Calls a decode function whose window is limited to the first `n` bytes of a frame. A frame that needs more is
   * `FrameTooLong`; it is skipped where its length was announced with `whole`.
   */
  within<A>(n: number, decode: (input: FramingInput) => A | NoFrame): A | NoFrame
  /** How many bytes a frame may take, by the smallest enclosing `within`; `Infinity` outside of any. */
  readonly limit: number
  /**
   * Whether the window holds `limit` bytes and more have arrived behind it: if there is no frame in it, the frame is too
   * long. A format that can find the end of such a frame drops it and returns `tooLong(limit, limit + 1)`. For all others
   * `within` does.
   */
  readonly full: boolean
}
