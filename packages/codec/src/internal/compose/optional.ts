import { type Marker, markerBytes, matched, showMarker } from "../fields/literal.ts"
import { type CodecValue, make } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"

const measureOf = <A>(content: CodecValue<A>, before: number) =>
  content.measure === undefined
    ? undefined
    : (value: A | undefined) => value === undefined ? 0 : before + content.measure!(value)

/** A value that is there if bytes are left in the range, or if another field says so. */
export const optional = <A>(content: CodecValue<A>): CodecValue<A | undefined> =>
  make<A | undefined>({
    kind: `${content.kind}, optional`,
    least: 0,
    most: content.most,
    greedy: true,
    problem: content.problem,
    rows: content.rows,
    align: content.align,
    measure: measureOf(content, 0),
    role: { _tag: "Optional", content },
    read: (c) => c.at === c.end ? undefined : content.read(c),
    write: (value, writer) => {
      if (value !== undefined) content.write(value, writer)
    },
    sample: (random) => random.boolean() ? content.sample(random) : undefined
  })

/** A value that is there if a marker stands before it. */
export const optionalAfter = <A>(marker: Marker, content: CodecValue<A>): CodecValue<A | undefined> => {
  const bytes = markerBytes(marker)
  return make<A | undefined>({
    kind: `${content.kind} after ${showMarker(marker)}, optional`,
    least: 0,
    most: content.most + bytes.length,
    greedy: content.greedy,
    problem: content.problem ?? (bytes.length === 0 ? "a marker has at least one byte" : undefined),
    rows: content.rows,
    measure: measureOf(content, bytes.length),
    read: (c) => {
      if (c.saved.length > 0) c.saved.pop()
      else {
        const n = matched(c, c.at, bytes)
        if (n < bytes.length) return c.at + n < c.end || c.bounded ? undefined : c.short(bytes.length)
        c.at += n
      }
      const value = content.read(c)
      return value === stop ? c.leave(true, undefined) : value
    },
    write: (value, writer) => {
      if (value === undefined) return
      writer.payload(bytes)
      content.write(value, writer)
    },
    sample: (random) => random.boolean() ? content.sample(random) : undefined
  })
}
