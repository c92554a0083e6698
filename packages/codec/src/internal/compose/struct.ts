import { type AnyCodec, type CodecValue, make, type Row, sizeText } from "../machine/codec.ts"
import { type Cursor, joinNames, type Stop, stop } from "../machine/cursor.ts"
import { type Fields, Plan } from "../machine/plan.ts"
import { plural } from "../machine/plural.ts"
import type { Writer } from "../machine/writer.ts"
import { type Constant, readers, type ReadFields, type Shape, type WriteFields, writers } from "./sites.ts"

/** Fields one after the other, as an object. */
export const struct = (fields: Readonly<Record<string, AnyCodec>>, constant?: Constant): CodecValue<Fields> => {
  const names = Object.keys(fields)
  const codecs = Object.values(fields)
  const problem = problemOf(names, codecs, constant)
  const plan = problem === undefined ? new Plan(names, codecs) : new Plan([], [])
  const least = codecs.reduce((sum, codec) => sum + codec.least, 0)
  const most = codecs.reduce((sum, codec) => sum + codec.most, 0)
  return make<Fields>({
    kind: "struct",
    least,
    most,
    greedy: plan.isGreedy,
    problem: problem ?? plan.problem,
    align: (bit) => alignment(names, codecs, bit),
    rows: () => rowsOf(fields),
    measure: measureOf(names, codecs),
    read: reading(names, plan, constant),
    write: writing(names, plan),
    sample: (random) => {
      const value: Fields = constant === undefined ? {} : { [constant.name]: constant.value }
      const outer = random.scope
      for (const [i, codec] of codecs.entries()) {
        random.scope = value
        const field = codec.sample(random)
        if (!codec.hidden && field !== undefined) value[names[i]!] = field
      }
      random.scope = outer
      return value
    }
  })
}

const problemOf = (
  names: ReadonlyArray<string>,
  codecs: ReadonlyArray<AnyCodec>,
  constant: Constant | undefined
): string | undefined => {
  for (const [i, name] of names.entries()) {
    const codec = codecs[i]!
    if (codec.problem !== undefined) return `${name}: ${codec.problem}`
    // An engine puts such names before all others, so that the fields would change their order.
    if (/^\d+$/.test(name) || name === "") return `a field cannot be called ${JSON.stringify(name)}; use a word`
    if (name === "__proto__" || name === constant?.name) return `a field cannot be called ${name}`
  }
  return undefined
}

const alignment = (names: ReadonlyArray<string>, codecs: ReadonlyArray<AnyCodec>, begin: number): number | string => {
  let bit = begin
  for (const [i, codec] of codecs.entries()) {
    const next = codec.align(bit)
    if (typeof next === "string") return `${names[i]}: ${next}`
    bit = next
  }
  return bit
}

const measureOf = (names: ReadonlyArray<string>, codecs: ReadonlyArray<AnyCodec>) => {
  const { length } = codecs
  if (codecs.some((codec) => codec.measure === undefined)) return undefined
  return (value: Fields): number => {
    let size = 0
    for (let i = 0; i < length; i++) size += codecs[i]!.measure!(value[names[i]!])
    return size
  }
}

/** The state of a read that stopped in the middle. */
interface Open {
  readonly object: Fields
  readonly index: number
}

/**
 * What makes the objects of a struct. To an engine, all objects that are made with `{}` and get fields later are of one
 * family, with room for four fields; those of a constructor of their own have room for all, and share nothing with others.
 */
const shapeOf = ({ codecs, names }: Plan, constant: Constant | undefined): Shape => {
  // The engine makes room for as many fields as it sees here, and takes back what the first objects do not use.
  function Value(this: Fields, areNamed: boolean | undefined) {
    if (areNamed !== true) return
    this["a"] =
      this["b"] =
      this["c"] =
      this["d"] =
      this["e"] =
      this["f"] =
        undefined
    this["g"] =
      this["h"] =
      this["i"] =
      this["j"] =
      this["k"] =
      this["l"] =
        undefined
  }
  Value.prototype = Object.prototype
  // A function made with `function` is a constructor.
  const shape = Value as unknown as Shape & { full: Fields }
  // Kept, so that the engine keeps the room that it has.
  const full = shape.full = new shape()
  if (constant !== undefined) full[constant.name] = constant.value
  for (const [i, name] of names.entries()) if (!codecs[i]!.hidden) full[name] = undefined
  return shape
}

/** How often a struct is read or written before it gets functions of its own, of which there is a limited number. */
const callsToWarm = 100

const reading = (names: ReadonlyArray<string>, plan: Plan, constant: Constant | undefined) => {
  const { isScoped, reads, slots } = plan
  const hasRest = plan.rest >= 0
  const empty = shapeOf(plan, constant)
  let groups: ReadonlyArray<ReadFields> = []
  let first: ReadFields | undefined
  let calls = 0

  const plain = (c: Cursor): Fields | Stop => {
    if (first === undefined || c.saved.length > 0 || c.visits !== undefined) return slow(c)
    let object = first(c, undefined)
    for (let i = 1; i < groups.length && object !== stop; i++) object = groups[i]!(c, object)
    return object
  }

  const slow = (c: Cursor): Fields | Stop => {
    if (++calls === callsToWarm) {
      groups = readers(
        empty,
        constant,
        names,
        reads,
        isScoped,
        stopped
      )
      first = groups[0]
    }
    return step(c)
  }

  const stopped = (c: Cursor, object: Fields, index: number): Stop => c.leave({ object, index }, names[index])

  /** Resumes after a stop, or tells what it finds. */
  const step = (c: Cursor): Fields | Stop => {
    const open: Open | undefined = c.saved.length > 0 ? c.saved.pop() as Open : undefined
    const object: Fields = open?.object ?? new empty()
    if (open === undefined && constant !== undefined) object[constant.name] = constant.value
    for (let i = open?.index ?? 0; i < reads.length; i++) {
      if (isScoped) c.scope = object
      const name = names[i]!
      const from = c.at
      c.names.push(name)
      const value = reads[i]!(c)
      if (value === stop) {
        c.names.pop()
        return stopped(c, object, i)
      }
      c.visits?.push({ path: joinNames(c.names), from, to: c.bit === 0 ? c.at : c.at + 1, value })
      c.names.pop()
      if (value !== undefined) object[name] = value
    }
    return object
  }

  if (slots === 0 && !isScoped && !hasRest) return plain
  return (c: Cursor): Fields | Stop => {
    const { bounded, end, linkBase, linkTop, scope } = c
    c.linkBase = linkTop
    c.linkTop = linkTop + slots
    const value = plain(c)
    if (hasRest && value !== stop && c.at !== c.end) c.fail(`${plural(c.end - c.at, "byte")} left over`)
    c.linkBase = linkBase
    c.linkTop = linkTop
    c.scope = scope
    c.end = end
    c.bounded = bounded
    return c.problem === undefined ? value : stop
  }
}

const writing = (names: ReadonlyArray<string>, plan: Plan) => {
  const { finish, slots, whole, writes } = plan
  const keys = names.map((name, i) => whole.has(i) ? "" : name)
  let groups: ReadonlyArray<WriteFields> = []
  let first: WriteFields | undefined
  let calls = 0
  const fail = (writer: Writer, index: number): void => void writer.path.push(names[index]!)
  const plain = (value: Fields, writer: Writer): void => {
    if (typeof value !== "object" || value === null) return writer.fail("it is not an object")
    if (first === undefined) {
      if (++calls === callsToWarm) {
        groups = writers(keys, writes, fail)
        first = groups[0]
      }
      return step(value, writer)
    }
    first(value, writer)
    for (let i = 1; i < groups.length && writer.problem === undefined; i++) groups[i]!(value, writer)
  }
  const step = (value: Fields, writer: Writer): void => {
    for (let i = 0; i < writes.length; i++) {
      writes[i]!(whole.has(i) ? value : value[names[i]!], writer)
      if (writer.problem !== undefined) {
        writer.path.push(names[i]!)
        return
      }
    }
  }
  if (slots === 0) return plain
  return (value: Fields, writer: Writer): void => {
    const { linkBase, linkTop } = writer
    writer.linkBase = linkTop
    writer.linkTop = linkTop + slots
    plain(value, writer)
    if (finish !== undefined && writer.problem === undefined) finish(writer)
    writer.linkBase = linkBase
    writer.linkTop = linkTop
  }
}

const rowsOf = (fields: Readonly<Record<string, AnyCodec>>): ReadonlyArray<Row> =>
  Object.entries(fields).map(([name, codec]) => ({
    name,
    size: sizeText(codec),
    kind: codec.title ?? codec.kind,
    note: codec.note,
    rows: codec.rows()
  }))
