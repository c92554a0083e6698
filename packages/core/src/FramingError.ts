/**
 * Every way in which bytes fail to be frames, or frames fail to be bytes, as one error with a typed `reason`.
 */
import * as Data from "effect/Data"

/**
 * A frame is longer than the framing allows.
 *
 * `limit` and `length` are in bytes. Where the format announces no length (lines, delimiters), or announces more than
 * 2^53 - 1 bytes, `length` is the smallest length that the bytes seen so far prove.
 */
export interface FrameTooLong {
  readonly _tag: "FrameTooLong"
  readonly limit: number
  readonly length: number
  readonly offset: number
}

/**
 * The input ended inside a frame, after `have` bytes of it. `need` is the smallest number of bytes that the frame,
 * or the part of it that was being read, takes.
 */
export interface TruncatedFrame {
  readonly _tag: "TruncatedFrame"
  readonly have: number
  readonly need: number
  readonly offset: number
}

/** The bytes break the rules of the format, or the frame cannot be expressed in it. */
export interface CorruptFrame {
  readonly _tag: "CorruptFrame"
  readonly why: string
  readonly offset: number
}

/** The bytes are not text in the encoding, or the text has a character that the encoding lacks. */
export interface InvalidText {
  readonly _tag: "InvalidText"
  readonly encoding: string
  readonly offset: number
}

/** The options of a framing contradict each other or can never decode a frame. */
export interface InvalidFraming {
  readonly _tag: "InvalidFraming"
  readonly framing: string
  readonly why: string
}

/**
 * Why a frame could not be decoded or encoded.
 *
 * `offset` is the place of the frame's first byte in the byte stream: how many bytes were decoded (or encoded) before
 * it.
 */
export type FramingErrorReason = FrameTooLong | TruncatedFrame | CorruptFrame | InvalidText | InvalidFraming

const describe = (reason: FramingErrorReason): string => {
  switch (reason._tag) {
    case "FrameTooLong":
      return `The frame at byte ${reason.offset} is too long: ${reason.length} bytes or more where ${reason.limit} are ` +
        "allowed. Raise the limit if the peer is right"
    case "TruncatedFrame":
      return `The input ended inside the frame at byte ${reason.offset}: ${reason.have} bytes came, ${reason.need} or ` +
        "more are needed"
    case "CorruptFrame":
      return `The frame at byte ${reason.offset} is corrupt: ${reason.why}`
    case "InvalidText":
      return `The frame at byte ${reason.offset} is not valid ${reason.encoding} text`
    case "InvalidFraming":
      return `${reason.framing} cannot be used with these options: ${reason.why}`
  }
}

/**
 * Bytes that are no frames, frames that are no bytes, or a framing that can be neither.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Framing from "@sluice/core/Framing"
 *
 * const lines = Effect.fromResult(Framing.decodeAll(Framing.lines(), [new TextEncoder().encode("a\nb")]))
 *
 * const program = lines.pipe(
 *   Effect.catchReason("FramingError", "TruncatedFrame", ({ offset }) => Effect.succeed([`cut at ${offset}`]))
 * )
 * ```
 */
export class FramingError extends Data.TaggedError("FramingError")<{ readonly reason: FramingErrorReason }> {
  override readonly message: string = describe(this.reason)
}

/** Whether a value is a {@link FramingError}. */
export const isFramingError = (value: unknown): value is FramingError => value instanceof FramingError
