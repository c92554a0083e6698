import { type CodecValue, derive, type Read } from "../machine/codec.ts"
import { type Cursor, type Stop, stop } from "../machine/cursor.ts"
import { plural } from "../machine/plural.ts"
import { sizeProblem } from "./bytes.ts"

/** Reads what takes exactly the next `n` bytes, once all of them have come. */
export const inRange = <A>(c: Cursor, n: number, read: Read<A>): A | Stop => {
  const { at, base, bounded, end } = c
  if (end - at < n) return c.short(n)
  c.end = at + n
  c.base = at
  c.bounded = true
  const value = read(c)
  if (value !== stop && c.at !== at + n) c.fail(`${plural(at + n - c.at, "byte")} left over`)
  c.end = end
  c.base = base
  c.bounded = bounded
  return c.problem === undefined ? value : stop
}

/** A codec in exactly `count` bytes, filled up with `pad`, which the content then does not end with. */
export const sized = <A>(count: number, content: CodecValue<A>, pad: number | undefined): CodecValue<A> =>
  derive<A>(content, {
    kind: pad === undefined ? content.kind : `${content.kind}, padded with ${pad}`,
    least: count,
    most: count,
    measure: () => count,
    greedy: false,
    atomic: false,
    problem: content.problem ?? sizeProblem(count),
    read: (c) => {
      if (pad === undefined) return inRange(c, count, content.read)
      if (c.end - c.at < count) return c.short(count)
      let length = count
      while (length > 0 && c.bytes[c.at + length - 1] === pad) length--
      const end = c.at + count
      const value = inRange(c, length, content.read)
      if (value !== stop) c.at = end
      return value
    },
    write: (value, writer) => {
      const length = writer.enclose(content.write, value)
      if (writer.problem !== undefined) return
      if (length > count || (pad === undefined && length < count)) {
        return writer.fail(`it takes ${plural(length, "byte")}, not ${count}`)
      }
      if (pad === undefined) return
      if (length > 0 && writer.range(writer.position - 1, writer.position)[0] === pad) {
        return writer.fail(`it ends with ${pad}, which is the padding`)
      }
      const at = writer.room(count - length)
      writer.bytes.fill(pad, at, at + count - length)
    },
    sample: (random) => content.sample(random)
  })

/** A codec followed by zeros up to a multiple of `multiple` bytes. */
export const padded = <A>(multiple: number, content: CodecValue<A>): CodecValue<A> => {
  const round = (n: number) => Math.ceil(n / multiple) * multiple
  return derive<A>(content, {
    kind: `${content.kind}, padded to a multiple of ${multiple}`,
    least: round(content.least),
    most: round(content.most),
    atomic: false,
    greedy: content.greedy,
    measure: content.measure === undefined ? undefined : (value) => round(content.measure!(value)),
    problem: content.problem ??
      (Number.isSafeInteger(multiple) && multiple >= 1
        ? undefined
        : `the multiple is ${multiple}; it must be 1 or more`),
    read: (c) => {
      const resumed = c.saved.length > 0 ? c.saved.pop() as { from: number; value: A | Stop } : undefined
      const from = resumed === undefined ? c.at : c.start + resumed.from
      let value = resumed === undefined ? stop : resumed.value
      if (value === stop) value = content.read(c)
      if (value === stop) return c.leave({ from: from - c.start, value }, undefined)
      const rest = round(c.at - from) - (c.at - from)
      if (c.end - c.at < rest) {
        c.short(rest)
        return c.leave({ from: from - c.start, value }, undefined)
      }
      c.at += rest
      return value
    },
    write: (value, writer) => {
      const from = writer.position
      content.write(value, writer)
      const length = writer.position - from
      const rest = round(length) - length
      const at = writer.room(rest)
      writer.bytes.fill(0, at, at + rest)
    }
  })
}
