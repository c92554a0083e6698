import { type Marker, markerBytes, matched, showMarker } from "../fields/literal.ts"
import { inRange } from "../fields/range.ts"
import { type CodecValue, make } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"
import { plural } from "../machine/plural.ts"

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

/** A value that is there if the fields before it say so. */
export const when = <A>(isPresent: (fields: never) => boolean, content: CodecValue<A>): CodecValue<A | undefined> =>
  make<A | undefined>({
    kind: `${content.kind}, conditional`,
    least: 0,
    most: content.most,
    greedy: content.greedy,
    problem: content.problem,
    rows: content.rows,
    align: content.align,
    measure: measureOf(content, 0),
    read: (c) => c.saved.length > 0 || isPresent(c.scope as never) ? content.read(c) : undefined,
    write: (_, writer) => writer.fail("a condition stands outside of a struct"),
    sample: (random) => isPresent(random.scope as never) ? content.sample(random) : undefined,
    role: {
      _tag: "Link",
      stage: 0,
      tie: (plan, index) => {
        const name = plan.names[index]!
        plan.isScoped = true
        plan.writeWhole(index, (fields, writer) => {
          const value = fields[name]
          const present = isPresent(fields as never)
          if (present && value !== undefined) content.write(value as A, writer)
          else if (present) writer.fail("it is missing")
          else if (value !== undefined) writer.fail("it is there, though other fields say that it is not")
        })
      }
    }
  })

/** A codec in as many bytes as the fields before it say, or another if they say nothing. */
export const sizedBy = <A>(
  sizeOf: (fields: never) => number | undefined,
  content: CodecValue<A>,
  otherwise: CodecValue<A> | undefined
): CodecValue<A> =>
  make<A>({
    kind: `${content.kind}, of a size by other fields`,
    least: 0,
    most: Math.max(content.most, otherwise?.most ?? 0),
    greedy: otherwise?.greedy,
    problem: content.problem ?? otherwise?.problem,
    rows: content.rows,
    read: (c) => {
      const size = sizeOf(c.scope as never)
      if (size === undefined && otherwise !== undefined) return otherwise.read(c)
      return size !== undefined && Number.isSafeInteger(size) && size >= 0
        ? inRange(c, size, content.read)
        : c.fail(`the fields before it say that its size is ${size}`)
    },
    write: (_, writer) => writer.fail("a size by other fields stands outside of a struct"),
    sample: (random) => (random.boolean() ? content : otherwise ?? content).sample(random),
    role: {
      _tag: "Link",
      stage: 0,
      tie: (plan, index) => {
        const name = plan.names[index]!
        plan.isScoped = true
        plan.writeWhole(index, (fields, writer) => {
          const said = sizeOf(fields as never)
          const value = fields[name] as A
          if (said === undefined && otherwise !== undefined) return otherwise.write(value, writer)
          const size = writer.enclose(content.write, value)
          if (size !== said) writer.fail(`it takes ${plural(size, "byte")}, but the fields before it say ${said}`)
        })
      }
    }
  })
