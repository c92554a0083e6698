import { dual } from "effect/Function"
import * as Result from "effect/Result"
import type { Framing } from "../../Framing.ts"
import type { FramingError } from "../../FramingError.ts"
import { noFrame } from "../../FramingInput.ts"
import { derive, isFraming, stateful } from "../define.ts"

/**
 * Continues after bad frames: each becomes a failure among the frames, and nothing after it is lost.
 *
 * This works for errors after which the format tells where the next frame begins: a frame with a length or a delimiter that
 * is too long, a wrong checksum, invalid text or JSON inside a sound frame. Other errors, and those that `accept` turns
 * down, still end the decoding. Without `accept` all are taken.
 *
 * ```ts
 * import * as Stream from "effect/Stream"
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const lines = Framing.lines().pipe(Framing.recover())
 * const bytes = Stream.make("one\n", "\xff\n", "two\n").pipe(Stream.encodeText)
 *
 * // Drops the bad lines: what is left is the lines that are good.
 * const good = bytes.pipe(Framing.decode(lines), Stream.filterMap((line) => line))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const recover: {
  (
    accept?: (error: FramingError) => boolean
  ): <Out, In>(framing: Framing<Out, In>) => Framing<Out, Result.Result<In, FramingError>>
  <Out, In>(
    framing: Framing<Out, In>,
    accept?: (error: FramingError) => boolean
  ): Framing<Out, Result.Result<In, FramingError>>
} = dual((args) => isFraming(args[0]), <Out, In>(
  framing: Framing<Out, In>,
  accept: (error: FramingError) => boolean = () => true
): Framing<Out, Result.Result<In, FramingError>> =>
  derive([framing], () =>
    stateful<Out, Result.Result<In, FramingError>>(
      () => {
        const decode = framing.makeDecode()
        return (input) => {
          const frame = decode(input)
          if (frame !== noFrame) return Result.succeed(frame)
          const { error } = input
          if (error === undefined || !input.recoverable || !accept(error)) return noFrame
          input.recover()
          return Result.fail(error)
        }
      },
      framing.encode
    )))

const isTooLong = (error: FramingError): boolean => error.reason._tag === "FrameTooLong"

/**
 * Continues after frames that are too long: skips exactly the bad frame, without gathering it, and reports it as a failure
 * among the frames. Without this combinator they end the decoding.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const log = Framing.lines({ maxLineLength: 1024 }).pipe(Framing.overlong("discard"))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const overlong: {
  (mode: "discard"): <Out, In>(framing: Framing<Out, In>) => Framing<Out, Result.Result<In, FramingError>>
  <Out, In>(framing: Framing<Out, In>, mode: "discard"): Framing<Out, Result.Result<In, FramingError>>
} = dual(
  2,
  <Out, In>(framing: Framing<Out, In>, _mode: "discard"): Framing<Out, Result.Result<In, FramingError>> =>
    recover(framing, isTooLong)
)
