/**
 * What a framing writes: bytes that go out together.
 */
import type { FramingError } from "./FramingError.ts"

/**
 * Where a framing's encode function puts a frame.
 *
 * Small frames are gathered in one buffer, so that many of them are one write; large payloads are passed on without a
 * copy, and must not be changed until they are sent. After `tooLong`, `corrupt` or `invalidText`, whatever was written for
 * this frame is taken back.
 */
export interface Output {
  /** The place in the byte stream at which the frame being encoded begins. */
  readonly offset: number
  /** Writes one byte. */
  byte(value: number): void
  /** Writes a non-negative integer in `size` bytes (1 to 8), the most significant first unless `littleEndian`. */
  uint(value: number, size: number, littleEndian?: boolean): void
  /** Writes bytes. */
  write(bytes: Uint8Array): void
  /**
   * Makes room for `n` bytes, to be written in place: into `bytes`, from the returned index on. `advance` then says how
   * many were.
   */
  reserve(n: number): number
  readonly bytes: Uint8Array
  advance(n: number): void
  /** The frame is longer than the limit. */
  tooLong(limit: number, length: number): void
  /** The frame cannot be expressed in the format. */
  corrupt(why: string): void
  /** The text cannot be expressed in this encoding. */
  invalidText(encoding: string): void
  /** Why the frame was refused, if it was. */
  readonly error: FramingError | undefined
}
