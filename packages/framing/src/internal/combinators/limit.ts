import { dual } from "effect/Function"
import type { Framing } from "../../Framing.ts"
import { derive, invalid, limitProblem, stateful } from "../define.ts"

/**
 * Limits how many bytes a frame may take on the wire, its header and delimiters included, whatever the framing.
 *
 * For framings without a limit of their own, and to tighten one. Fails with `FrameTooLong` when a frame needs more.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const small = Framing.contentLength().pipe(Framing.limit(4096))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const limit: {
  (maxLength: number): <Out, In>(framing: Framing<Out, In>) => Framing<Out, In>
  <Out, In>(framing: Framing<Out, In>, maxLength: number): Framing<Out, In>
} = dual(2, <Out, In>(framing: Framing<Out, In>, maxLength: number): Framing<Out, In> => {
  const problem = limitProblem("maxLength", maxLength) ?? (maxLength > 0 ? undefined : "no frame takes 0 bytes")
  if (problem !== undefined) return invalid("limit", problem)
  return derive([framing], () =>
    stateful<Out, In>(
      () => {
        const decode = framing.makeDecode()
        return (input) => input.within(maxLength, decode)
      },
      (frame, output) => {
        framing.encode(frame, output)
        if (output.error === undefined && output.length > maxLength) output.tooLong(maxLength, output.length)
      }
    ))
})
