import { dual } from "effect/Function"
import * as Result from "effect/Result"
import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import { derive, stateful } from "../define.ts"

/**
 * Frames of another type, when every frame can be converted both ways. The functions should not throw.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const samples = Framing.fixedLength(2).pipe(
 *   Framing.map({
 *     decode: (bytes) => bytes[0]! * 256 + bytes[1]!,
 *     encode: (sample: number) => Uint8Array.of(sample >> 8, sample)
 *   })
 * )
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const map: {
  <Out, In, Out2, In2>(
    options: { readonly decode: (frame: In) => In2; readonly encode: (frame: Out2) => Out }
  ): (framing: Framing<Out, In>) => Framing<Out2, In2>
  <Out, In, Out2, In2>(
    framing: Framing<Out, In>,
    options: { readonly decode: (frame: In) => In2; readonly encode: (frame: Out2) => Out }
  ): Framing<Out2, In2>
} = dual(2, <Out, In, Out2, In2>(
  framing: Framing<Out, In>,
  options: { readonly decode: (frame: In) => In2; readonly encode: (frame: Out2) => Out }
): Framing<Out2, In2> =>
  derive([framing], () =>
    stateful<Out2, In2>(
      () => {
        const decode = framing.makeDecode()
        return (input) => {
          const frame = decode(input)
          return frame === noFrame ? noFrame : options.decode(frame)
        }
      },
      (frame, output) => framing.encode(options.encode(frame), output)
    )))

/**
 * Frames of another type, when some cannot be converted: a failure says why, and becomes `CorruptFrame`.
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const numbers = Framing.lines().pipe(
 *   Framing.mapResult({
 *     decode: (line) => /^\d+$/.test(line) ? Result.succeed(BigInt(line)) : Result.fail("it is no number"),
 *     encode: (number: bigint) => number >= 0n ? Result.succeed(`${number}`) : Result.fail("it is negative")
 *   })
 * )
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const mapResult: {
  <Out, In, Out2, In2>(
    options: {
      readonly decode: (frame: In) => Result.Result<In2, string>
      readonly encode: (frame: Out2) => Result.Result<Out, string>
    }
  ): (framing: Framing<Out, In>) => Framing<Out2, In2>
  <Out, In, Out2, In2>(
    framing: Framing<Out, In>,
    options: {
      readonly decode: (frame: In) => Result.Result<In2, string>
      readonly encode: (frame: Out2) => Result.Result<Out, string>
    }
  ): Framing<Out2, In2>
} = dual(2, <Out, In, Out2, In2>(
  framing: Framing<Out, In>,
  options: {
    readonly decode: (frame: In) => Result.Result<In2, string>
    readonly encode: (frame: Out2) => Result.Result<Out, string>
  }
): Framing<Out2, In2> =>
  derive([framing], () =>
    stateful<Out2, In2>(
      () => {
        const decode = framing.makeDecode()
        return (input) => {
          const frame = decode(input)
          if (frame === noFrame) return noFrame
          const result = options.decode(frame)
          return Result.isSuccess(result) ? result.success : input.corrupt(result.failure)
        }
      },
      (frame, output) => {
        const result = options.encode(frame)
        return Result.isSuccess(result) ? framing.encode(result.success, output) : output.corrupt(result.failure)
      }
    )))
