import { type AnyCodec, type CodecValue, make } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"

/** A codec that is made when it is first used, so that it can contain itself. */
export const lazy = <A>(get: () => CodecValue<A>, maxDepth: number): CodecValue<A> => {
  let made: CodecValue<A> | undefined
  const codec = (): CodecValue<A> => made ??= get()
  return make<A>({
    kind: "recursive value",
    // Not known before it is made; that each takes a byte keeps the number of elements bounded.
    least: 1,
    most: Infinity,
    read: (c) => {
      if (c.depth >= maxDepth) return c.fail(`nested more than ${maxDepth} deep`)
      c.depth++
      const { at } = c
      const value = codec().read(c)
      c.depth--
      if (value !== stop && c.at === at && c.bit === 0) return c.fail("a recursive value takes no bytes")
      return value
    },
    write: (value, writer) => {
      if (writer.depth >= maxDepth) return writer.fail(`nested more than ${maxDepth} deep`)
      writer.depth++
      codec().write(value, writer)
      writer.depth--
    },
    sample: (random) => {
      random.depth++
      const value = codec().sample(random)
      random.depth--
      return value
    },
    problem: Number.isInteger(maxDepth) && maxDepth >= 1 ? undefined : `maxDepth is ${maxDepth}; it must be 1 or more`
  })
}

/** What is wrong with what lazy codecs make can only be known when the whole is there. */
export const hasProblem = (codec: AnyCodec): string | undefined => codec.problem
