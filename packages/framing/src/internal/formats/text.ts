import { dual } from "effect/Function"
import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import type { TextEncoding } from "../../TextEncoding.ts"
import { derive, invalid, isFraming, stateful } from "../define.ts"
import { textCodec, unknownEncoding } from "../textCodec.ts"

/**
 * Strings instead of bytes, over any framing of bytes. The encoding is "utf-8" by default.
 *
 * Fails with `InvalidText` when the bytes of a frame are not text in the encoding, or the text cannot be expressed in it.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const messages = Framing.lengthPrefixed().pipe(Framing.text())
 * ```
 *
 * @category values
 * @since 0.1.0
 */
export const text: {
  (encoding?: TextEncoding): (framing: Framing<Uint8Array>) => Framing<string>
  (framing: Framing<Uint8Array>, encoding?: TextEncoding): Framing<string>
} = dual((args) => isFraming(args[0]), (framing: Framing<Uint8Array>, encoding: TextEncoding = "utf-8") => {
  const codec = textCodec(encoding)
  if (codec === undefined) return invalid("text", unknownEncoding(encoding))
  return derive([framing], () =>
    stateful<string, string>(
      () => {
        const decode = framing.makeDecode()
        return (input) => {
          const frame = decode(input)
          if (frame === noFrame) return noFrame
          return codec.decode(frame) ?? input.invalidText(codec.name)
        }
      },
      (frame, output) => {
        const bytes = codec.encode(frame)
        return bytes === undefined ? output.invalidText(codec.name) : framing.encode(bytes, output)
      }
    ))
})
