import * as Result from "effect/Result"
import { type CodecValue, make } from "../machine/codec.ts"
import type { Cursor } from "../machine/cursor.ts"
import { plural } from "../machine/plural.ts"

type Decoded<A> =
  | { readonly value: A; readonly size: number }
  | { readonly need: number }
  | { readonly invalid: string }

/** A codec by functions of a user. */
export const custom = <A>(options: {
  readonly kind: string
  readonly size: readonly [least: number, most: number]
  readonly decode: (
    input: { readonly bytes: Uint8Array; readonly begin: number; readonly at: number; readonly end: number }
  ) => Decoded<A>
  readonly encode: (
    value: A,
    output: { readonly at: number; readonly memory: Map<string, number> }
  ) => Result.Result<Uint8Array, string>
  readonly sample: (random: () => number) => A
}): CodecValue<A> =>
  make<A>({
    kind: options.kind,
    least: options.size[0],
    most: options.size[1],
    atomic: true,
    read: (c: Cursor) => {
      const { at, base, bytes, end } = c
      const decoded = options.decode({ bytes, begin: base, at, end })
      if ("invalid" in decoded) return c.fail(decoded.invalid)
      if ("need" in decoded) return c.short(Math.max(decoded.need, end - at + 1))
      if (!Number.isInteger(decoded.size) || decoded.size < 0 || at + decoded.size > end) {
        return c.fail(`${options.kind} takes ${plural(decoded.size, "byte")}, of which ${end - at} are there`)
      }
      c.at = at + decoded.size
      return decoded.value
    },
    write: (value, writer) => {
      const bytes = options.encode(value, { at: writer.position - writer.base, memory: writer.memory })
      if (Result.isSuccess(bytes)) writer.payload(bytes.success)
      else writer.fail(bytes.failure)
    },
    sample: (random) => options.sample(() => random.next())
  })
