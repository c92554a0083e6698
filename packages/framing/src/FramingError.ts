/**
 * Why bytes could not be decoded as frames, or a frame could not be encoded: one error with a typed `reason`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import { byteCount } from "./internal/bytes/byteCount.ts"
import * as SafeText from "./SafeText.ts"

/**
 * A frame is longer than the framing allows.
 *
 * `limit` and `length` are in bytes, counted as the option counts that sets the limit: without a length prefix or a
 * delimiter. Where the format announces no length (lines, delimiters), or announces more than 2^53 - 1 bytes, `length` is
 * the smallest length that the bytes received so far prove. `outgoing` is true when encoding failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class FrameTooLong extends Data.TaggedClass("FrameTooLong")<{
  readonly limit: number
  readonly length: number
  readonly offset: number
  readonly outgoing?: boolean | undefined
}> {
  get message(): string {
    if (this.outgoing) {
      return `cannot encode frame: ${byteCount(this.length)}, limit ${this.limit}; raise the limit or send less`
    }
    return `frame at byte ${this.offset} too long: at least ${byteCount(this.length)}, limit ${this.limit}; ` +
      "raise the limit or reject the peer"
  }
}

/**
 * The input ended inside a frame, after `have` bytes of it. `need` is the smallest number of bytes that the frame,
 * or the part of it that was being read, takes. Both count bytes on the wire, as `offset` does: a length prefix and a
 * delimiter too.
 *
 * @category errors
 * @since 0.1.0
 */
export class TruncatedFrame extends Data.TaggedClass("TruncatedFrame")<{
  readonly have: number
  readonly need: number
  readonly offset: number
}> {
  get message(): string {
    return `truncated frame at byte ${this.offset}: the input ended after ${byteCount(this.have)} ` +
      `of at least ${this.need} on the wire`
  }
}

/**
 * The bytes break the rules of the format, or, if `outgoing` is true, the frame cannot be expressed in it.
 *
 * @category errors
 * @since 0.1.0
 */
export class CorruptFrame extends Data.TaggedClass("CorruptFrame")<{
  readonly why: string
  readonly offset: number
  readonly outgoing?: boolean | undefined
}> {
  get message(): string {
    const failed = this.outgoing ? "cannot encode frame" : `corrupt frame at byte ${this.offset}`
    return `${failed}: ${SafeText.escape(this.why, { limit: 300 })}`
  }
}

/**
 * The bytes are not text in the encoding, or, if `outgoing` is true, the text has a character that the encoding lacks.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidText extends Data.TaggedClass("InvalidText")<{
  readonly encoding: string
  readonly offset: number
  readonly outgoing?: boolean | undefined
}> {
  get message(): string {
    if (this.outgoing) {
      const fix = this.encoding.startsWith("utf-8") ? "call toWellFormed() on the text" : "use utf-8"
      return `cannot encode frame: the text has a character that ${this.encoding} lacks; ${fix}`
    }
    return `invalid text in the frame at byte ${this.offset}: not ${this.encoding}`
  }
}

/**
 * The options of a framing contradict each other or can never decode a frame.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidFraming extends Data.TaggedClass("InvalidFraming")<{
  readonly framing: string
  readonly why: string
}> {
  get message(): string {
    return `invalid options of ${this.framing}: ${this.why}`
  }
}

/**
 * Why a frame could not be decoded or encoded.
 *
 * `offset` is the place of the frame's first byte in the byte stream: how many bytes were decoded (or encoded) before
 * it.
 *
 * @category errors
 * @since 0.1.0
 */
export type FramingErrorReason = FrameTooLong | TruncatedFrame | CorruptFrame | InvalidText | InvalidFraming

/**
 * Decoding or encoding failed, for the given `reason`.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const lines = Effect.fromResult(Framing.decodeAll(Framing.lines(), [new TextEncoder().encode("a\nb")]))
 *
 * const program = lines.pipe(
 *   Effect.catchReason("FramingError", "TruncatedFrame", ({ offset }) => Effect.succeed([`cut at ${offset}`]))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class FramingError extends Data.TaggedError("FramingError")<{ readonly reason: FramingErrorReason }> {
  override get message(): string {
    return this.reason.message
  }
}

/**
 * Whether a value is a {@link FramingError}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFramingError = (u: unknown): u is FramingError => Predicate.isTagged(u, "FramingError")
