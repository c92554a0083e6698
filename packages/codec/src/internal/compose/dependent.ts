import { inRange } from "../fields/range.ts"
import { type CodecValue, make, type Role } from "../machine/codec.ts"
import { plural } from "../machine/plural.ts"
import type { Writer } from "../machine/writer.ts"

/** The values of a struct, of which those before a field decide about it; `undefined` outside of a struct. */
export type Fields = Readonly<Record<string, unknown>> | undefined

/** A field that is written with a look at the others. */
const dependent = <A>(write: (value: A, fields: Fields, writer: Writer) => void): Role => ({
  _tag: "Link",
  stage: 0,
  tie: (plan, index) => {
    const name = plan.names[index]!
    plan.isScoped = true
    plan.writeWhole(index, (fields, writer) => write(fields[name] as A, fields, writer))
  }
})

/** A value that is there if the fields before it say so. */
export const when = <A>(isPresent: (fields: Fields) => boolean, content: CodecValue<A>): CodecValue<A | undefined> =>
  make<A | undefined>({
    kind: `${content.kind}, conditional`,
    least: 0,
    most: content.most,
    greedy: content.greedy,
    problem: content.problem,
    rows: content.rows,
    align: content.align,
    measure: content.measure && ((value) => value === undefined ? 0 : content.measure!(value)),
    read: (c) => c.saved.length > 0 || isPresent(c.scope) ? content.read(c) : undefined,
    write: (_, writer) => writer.fail("a condition stands outside of a struct"),
    sample: (random) => isPresent(random.scope) ? content.sample(random) : undefined,
    role: dependent<A | undefined>((value, fields, writer) => {
      const present = isPresent(fields)
      if (present && value !== undefined) content.write(value, writer)
      else if (present) writer.fail("it is missing")
      else if (value !== undefined) writer.fail("it is there, though other fields say that it is not")
    })
  })

/** A codec in as many bytes as the fields before it say, or another if they say nothing. */
export const sizedBy = <A>(
  sizeOf: (fields: Fields) => number | undefined,
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
      const size = sizeOf(c.scope)
      if (size === undefined && otherwise !== undefined) return otherwise.read(c)
      return size !== undefined && Number.isSafeInteger(size) && size >= 0
        ? inRange(c, size, content.read)
        : c.fail(`the fields before it say that its size is ${size}`)
    },
    write: (_, writer) => writer.fail("a size by other fields stands outside of a struct"),
    sample: (random) => (random.boolean() ? content : otherwise ?? content).sample(random),
    role: dependent<A>((value, fields, writer) => {
      const said = sizeOf(fields)
      if (said === undefined && otherwise !== undefined) return otherwise.write(value, writer)
      const size = writer.enclose(content.write, value)
      if (size !== said) writer.fail(`it takes ${plural(size, "byte")}, but the fields before it say ${said}`)
    })
  })
