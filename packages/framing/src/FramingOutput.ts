/**
 * What a framing's encode function writes to.
 *
 * @since 0.1.0
 */
import type { FramingError } from "./FramingError.ts"

/**
 * The destination of an encode function. All lengths are in bytes.
 *
 * Small frames are gathered in one buffer, so that many of them are one write. Payloads of 2 KiB and more are passed on
 * without a copy, and must not be changed until they are sent. After `tooLong`, `corrupt` or `invalidText`, everything that
 * was written for the frame is removed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FramingOutput {
  /** The place in the byte stream at which the frame being encoded begins. */
  readonly offset: number
  /** How many bytes have been written for the frame. */
  readonly length: number
  /** The first `n` bytes that were written for the frame, or all of them if there are fewer. */
  first(n: number): Uint8Array

  /** Writes one byte. */
  byte(value: number): void
  /** Writes a non-negative integer in `size` bytes (1 to 8), the most significant first unless `littleEndian`. */
  uint(value: number, size: number, littleEndian?: boolean): void
  /** Writes bytes. */
  write(bytes: Uint8Array): void
  /**
   * Makes room for `n` bytes, to be written in place: into `bytes`, from the returned index on. `advance` then says how
   * many were written.
   */
  reserve(n: number): number
  /** The memory to write to after `reserve`. */
  readonly bytes: Uint8Array
  /** Writes the next `n` bytes of the room that was reserved. */
  advance(n: number): void

  /** The frame is longer than the limit. */
  tooLong(limit: number, length: number): void
  /** The frame cannot be expressed in the format. */
  corrupt(why: string): void
  /** The text cannot be expressed in this encoding. */
  invalidText(encoding: string): void
  /** The frame is refused for a reason that is known already. */
  fail(error: FramingError): void
  /** Why the frame is refused, if it is. */
  readonly error: FramingError | undefined
}
