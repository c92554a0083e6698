import { type CodecValue, derive } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"

/**
 * A number in a small field, some of whose values say that the number follows in a larger one. Only the smallest form that
 * fits is taken, if `canonical`.
 */
export const extended = (
  small: CodecValue<number>,
  escapes: ReadonlyArray<readonly [code: number, codec: CodecValue<number>]>,
  canonical: boolean,
  below: number | undefined
): CodecValue<number> => {
  const first = below ?? Math.min(...escapes.map(([code]) => code))
  const forms = escapes.map(([code, codec]) => ({ code, codec, most: largest(codec) }))
  const choose = (value: number) => value < first ? undefined : forms.find(({ most }) => value <= most)
  const most = forms.at(-1)?.most ?? first - 1
  return derive<number>(small, {
    kind: `${small.kind}, or ${escapes.map(([code, { kind }]) => `${code} and ${kind}`).join(", or ")}`,
    most: small.most + Math.max(0, ...escapes.map(([, codec]) => codec.most)),
    problem: small.problem ?? escapes.find(([, codec]) => codec.problem !== undefined)?.[1].problem ??
      (escapes.length === 0 ? "extended needs an escape" : undefined) ??
      (escapes.every(([, { atomic, least, most }]) => atomic && least === most && least >= 1)
        ? undefined
        : "the codecs of the escapes must be integers of a fixed size"),
    measure: (value) => small.least + (choose(value)?.codec.least ?? 0),
    align: (bit) => {
      const after = small.align(bit)
      return after === 0 || typeof after === "string" ? after : "the small field must end a byte"
    },
    read: (c) => {
      const { at, bit } = c
      const code = small.read(c)
      if (code === stop || code < first) return code
      const form = forms.find((form) => form.code === code)
      if (form === undefined) return c.fail(`${code} is not a length`)
      const value = form.codec.read(c)
      if (value === stop) {
        // Starts over when the rest has come.
        if (c.problem === undefined) {
          c.at = at
          c.bit = bit
        }
        return stop
      }
      if (canonical && choose(value) !== form) return c.fail(`${value} is written longer than it has to be`)
      return value
    },
    write: (value, writer) => {
      if (!Number.isInteger(value) || value < 0 || value > most) {
        return writer.fail(`${value} is not a whole number from 0 to ${most}`)
      }
      const form = choose(value)
      small.write(form === undefined ? value : form.code, writer)
      form?.codec.write(value, writer)
    },
    sample: (random) => random.between(0, [first - 1, ...forms.map((form) => form.most)][random.below(2)]!)
  })
}

const largest = (codec: CodecValue<number>): number => Math.min(2 ** (8 * codec.least) - 1, Number.MAX_SAFE_INTEGER)
