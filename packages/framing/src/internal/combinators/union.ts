import type { Framing } from "../../Framing.ts"
import { type FramingInput, type NoFrame, noFrame } from "../../FramingInput.ts"
import { derive, invalid, stateful } from "../define.ts"

/**
 * The framings that {@link union} chooses from, by name.
 *
 * @category models
 * @since 0.1.0
 */
export type Alternatives = { readonly [name: string]: Framing<never, unknown> }

/**
 * A frame that one of the alternatives decoded.
 *
 * @category models
 * @since 0.1.0
 */
export type Decoded<A extends Alternatives> = {
  [K in keyof A]: { readonly _tag: K; readonly frame: A[K] extends Framing<never, infer In> ? In : never }
}[keyof A]

/**
 * A frame for one of the alternatives to encode.
 *
 * @category models
 * @since 0.1.0
 */
export type Encodable<A extends Alternatives> = {
  [K in keyof A]: { readonly _tag: K; readonly frame: A[K] extends Framing<infer Out, unknown> ? Out : never }
}[keyof A]

/**
 * Options of {@link union}.
 *
 * @category options
 * @since 0.1.0
 */
export interface UnionOptions<Name> {
  /**
   * Names the framing of the frame that begins with these bytes. The answer should not depend on how a format writes a frame
   * that it has several forms of, such as an empty line with LF or CR LF: encoding writes one of them.
   */
  readonly choose: (first: Uint8Array) => Name
  /** How many bytes `choose` gets; 1 by default. No frame may take fewer on the wire. */
  readonly peek?: number | undefined
}

/**
 * Several framings on one connection: the first bytes of each frame decide which it is in. A frame carries the name of
 * its framing as `_tag`.
 *
 * Encoding refuses a frame (`CorruptFrame`) whose first bytes would make the other side choose another framing.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const messages = Framing.union(
 *   { text: Framing.lines(), binary: Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 255 }) },
 *   { choose: ([first]) => first === 0 ? "binary" : "text" }
 * )
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const union = <const A extends Alternatives>(
  alternatives: A,
  options: UnionOptions<keyof A>
): Framing<Encodable<A>, Decoded<A>> => {
  const { choose, peek = 1 } = options
  if (!Number.isSafeInteger(peek) || peek < 1) {
    return invalid("union", `peek is ${peek}; it must be a whole number of bytes, 1 or more`)
  }
  const names = Object.keys(alternatives)
  return derive(Object.values(alternatives), () =>
    stateful<Encodable<A>, Decoded<A>>(
      () => {
        const decoders = new Map<keyof A, (input: FramingInput) => unknown | NoFrame>()
        for (const name of names) decoders.set(name, alternatives[name]!.makeDecode())
        let chosen: keyof A | undefined
        // The bytes that are dropped after an error still belong to the framing that found it.
        let isOver = false
        return (input) => {
          if (isOver && !input.dropping) chosen = undefined
          if (chosen === undefined) {
            if (input.length < peek) return input.need(peek)
            chosen = choose(input.peek(peek))
            isOver = false
          }
          const decode = decoders.get(chosen)
          if (decode === undefined) {
            return input.corrupt(`its first bytes choose ${String(chosen)}, which does not exist`)
          }
          const frame = decode(input)
          const _tag = chosen
          if (frame !== noFrame || input.error !== undefined) isOver = true
          return frame === noFrame ? noFrame : { _tag, frame } as Decoded<A>
        }
      },
      ({ _tag, frame }, output) => {
        const framing = alternatives[_tag] as Framing<never, unknown> | undefined as
          | Framing<unknown, unknown>
          | undefined
        if (framing === undefined) return output.corrupt(`there is no framing named ${String(_tag)}`)
        framing.encode(frame, output)
        if (output.error !== undefined) return
        const first = output.first(peek)
        if (first.length < peek) {
          return output.corrupt(`it takes fewer than the ${peek} bytes that decide; use a smaller peek`)
        }
        const decoded = choose(first)
        if (decoded !== _tag) {
          output.corrupt(`its first bytes choose ${String(decoded)}, not ${String(_tag)}; change choose or the frame`)
        }
      }
    ))
}
