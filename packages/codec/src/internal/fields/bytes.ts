import { BlockContent } from "../machine/block.ts"
import { type CodecValue, make } from "../machine/codec.ts"
import { plural } from "../machine/plural.ts"
import { isBytes } from "../machine/writer.ts"

/** All bytes up to the end of the range. */
export const bytes: CodecValue<Uint8Array> = make<Uint8Array>({
  kind: "bytes",
  least: 0,
  most: Infinity,
  greedy: true,
  content: BlockContent.bytes,
  measure: (value) => value.length,
  read: (c) => {
    const { at, end } = c
    c.at = end
    return c.view(at, end - at)
  },
  write: (value, writer) => {
    if (!isBytes(value)) return writer.fail("it is not a Uint8Array")
    writer.payload(value)
  },
  sample: (random) => random.bytes(random.length())
})

/** Exactly `count` bytes. */
export const fixedBytes = (count: number): CodecValue<Uint8Array> =>
  make<Uint8Array>({
    kind: "bytes",
    least: count,
    most: count,
    atomic: true,
    problem: sizeProblem(count),
    read: (c) => {
      const { at } = c
      if (c.end - at < count) return c.short(count)
      c.at = at + count
      return c.view(at, count)
    },
    write: (value, writer) => {
      if (!isBytes(value) || value.length !== count) {
        return writer.fail(`it must be a Uint8Array of ${plural(count, "byte")}`)
      }
      writer.payload(value)
    },
    sample: (random) => random.bytes(count)
  })

export const sizeProblem = (count: number): string | undefined =>
  Number.isSafeInteger(count) && count >= 0 ? undefined : `the size is ${count}; it must be a whole number of bytes`
