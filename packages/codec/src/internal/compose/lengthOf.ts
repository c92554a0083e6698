import { inRange } from "../fields/range.ts"
import { BlockContent } from "../machine/block.ts"
import { type CodecValue, derive, type Role, type Stage } from "../machine/codec.ts"
import { type AnyCodec } from "../machine/codec.ts"
import { type Cursor, type Stop, stop } from "../machine/cursor.ts"
import { type Numeral, numeralOf, readNumeral, widthOf } from "../machine/number.ts"
import type { Plan } from "../machine/plan.ts"
import { plural } from "../machine/plural.ts"
import type { Writer } from "../machine/writer.ts"

export interface LengthOptions {
  /** What the number counts beyond the content, in bytes. */
  readonly add: number
  /** The most bytes of content. */
  readonly limit: number
}

/** A field that says something about others, and is not part of the value. */
export const link = (
  number: AnyCodec,
  kind: string,
  stage: Stage,
  tie: (plan: Plan, index: number) => void
): CodecValue<void> => {
  const role: Role = { _tag: "Link", stage, tie }
  return derive<unknown, void>(number, {
    kind: `${number.kind}: ${kind}`,
    hidden: true,
    role,
    problem: number.problem ?? (number.atomic ? undefined : "it must be a number or a flag"),
    read: () => undefined,
    write: (_, writer) => writer.fail(`the ${kind} stands outside of a struct`),
    measure: number.least === number.most ? () => number.least : undefined,
    sample: () => undefined
  })
}

/** How many bytes a later field takes. */
export const lengthOf = (target: string, number: CodecValue<number>, options: LengthOptions): CodecValue<void> =>
  link(number, `length of ${target}`, 1, (plan, index) => {
    const at = plan.after(index, target)
    if (at === undefined) return
    const { names } = plan
    const { add, limit } = options
    const numeral = numeralOf(number)
    const { measure } = plan.codecs[at]!
    const width = firstWidth(number)
    const slot = plan.slots++
    plan.ended.add(at)
    plan.reads[index] = (c) => {
      const { at } = c
      let length = readNumeral(c, numeral)
      if (length === stop) length = number.read(c)
      if (length === stop) return stop
      const size = length - add
      if (size < 0 || size > limit) return badLength(c, size, limit, at)
      c.links[c.linkBase + slot] = size
      return undefined
    }
    const read = plan.reads[at]!
    plan.reads[at] = (c) => inRange(c, c.links[c.linkBase + slot]!, read)
    // Filling in a number of fixed size later costs less than measuring what is not bytes.
    if (measure !== undefined && (isCounted(plan.codecs[at]!) || !isFixed(number))) {
      plan.writeWhole(index, (value, writer) => writeLength(number, measure(value[target]), options, writer))
      plan.wrapWrite(at, (write, value, writer) => void writer.enclose(write, value))
      return
    }
    if (number.align(0) !== 0) return plan.fail(index, unmeasured)
    plan.writeWhole(index, (_, writer) => {
      writer.links[writer.linkBase + slot] = open(width, writer)
    })
    plan.wrapWrite(at, (write, value, writer) => {
      const length = writer.enclose(write, value)
      close(number, numeral, writer.links[writer.linkBase + slot]!, width, length, options, writer)
      if (writer.problem !== undefined && writer.path.length === 0) writer.path.push(names[index]!)
    })
  })

/** How many bytes all later fields of the struct take together. */
export const lengthOfRest = (number: CodecValue<number>, options: LengthOptions): CodecValue<void> =>
  link(number, "length of the rest", 1, (plan, index) => {
    const { codecs, names } = plan
    const { add, limit } = options
    const numeral = numeralOf(number)
    if (plan.rest >= 0) return plan.fail(index, "there is another length of the rest before it")
    plan.rest = index
    /** Reads what is not usual. */
    const readParts = (c: Cursor): undefined | Stop => {
      const { at, bit } = c
      const length = number.read(c)
      if (length === stop) return stop
      const size = length - add
      if (size < 0 || size > limit) return badLength(c, size, limit, at)
      if (c.end - c.at < size) {
        // The number is read again when the rest has come.
        c.short(size)
        c.at = at
        c.bit = bit
        return stop
      }
      c.end = c.at + size
      c.bounded = true
      return undefined
    }
    plan.reads[index] = (c) => {
      const { at } = c
      const length = readNumeral(c, numeral)
      if (length === stop) return readParts(c)
      const size = length - add
      const end = c.at + size
      if (size < 0 || size > limit || end > c.end) {
        c.at = at
        return readParts(c)
      }
      c.end = end
      c.bounded = true
      return undefined
    }
    const slot = plan.slots++
    if (isFixed(number)) {
      const width = firstWidth(number)
      plan.writeWhole(index, (_, writer) => {
        writer.links[writer.linkBase + slot] = open(width, writer)
      })
      plan.finish = (writer) => {
        const position = writer.links[writer.linkBase + slot]!
        const size = writer.position - position - width
        if (size <= limit && writer.patchNumeral(position, numeral, size + add)) return
        if (size > limit) writer.exceed(size, limit)
        else writer.patch(position, number, size + add)
        if (writer.problem !== undefined) writer.path.push(names[index]!)
      }
      return
    }
    const later = codecs.slice(index + 1)
    const laterNames = names.slice(index + 1)
    const canMeasure = later.every((codec) => codec.measure !== undefined)
    const isAligned = number.align(0) === 0
    if (!isAligned && !canMeasure) return plan.fail(index, unmeasured)
    let width = 1
    const from = plan.slots++
    plan.writeWhole(index, (value, writer) => {
      const { linkBase, links } = writer
      if (canMeasure && (writer.isCareful || !isAligned)) {
        let size = 0
        for (let i = 0; i < later.length; i++) size += later[i]!.measure!(value[laterNames[i]!])
        writeLength(number, size, options, writer)
        links[linkBase + slot] = -1
        return
      }
      links[linkBase + slot] = open(writer.isCareful ? 1 : width, writer)
      links[linkBase + from] = writer.position
    })
    plan.finish = (writer) => {
      const { linkBase, links } = writer
      const position = links[linkBase + slot]!
      if (position < 0) return
      const begin = links[linkBase + from]!
      const size = writer.position - begin
      if (
        size <= limit && widthOf(numeral, size + add) === begin - position &&
        writer.patchNumeral(position, numeral, size + add)
      ) return
      width = close(number, numeral, position, begin - position, size, options, writer)
      if (writer.problem !== undefined) writer.path.push(names[index]!)
    }
  })

const unmeasured = "a length in bits needs fields whose sizes are known beforehand; use whole bytes"

export const badLength = (c: Cursor, size: number, limit: number, at: number): Stop =>
  size < 0 ? c.fail(`the length counts ${plural(-size, "byte")} less than it must`, at) : c.exceed(size, limit, at)

export const writeLength = (
  number: CodecValue<number>,
  size: number,
  { add, limit }: LengthOptions,
  writer: Writer
): void => size > limit ? writer.exceed(size, limit) : number.write(size + add, writer)

/** Whether the size of a value is known without a look at all of it. */
export const isCounted = ({ content, least, most }: AnyCodec): boolean =>
  least === most || (content !== undefined && content !== BlockContent.utf8)

/** Whether room for a number can be left, to be filled in later. */
export const isFixed = (number: AnyCodec): boolean => number.least === number.most && number.align(0) === 0

/** Leaves `width` bytes for a number that is not known yet, and returns where it goes. */
export const open = (width: number, writer: Writer): number => {
  const { position } = writer
  writer.room(width)
  return position
}

/** Fills in a length, and returns its size. What follows it moves, if that is not what was left. */
export const close = (
  number: CodecValue<number>,
  numeral: Numeral,
  position: number,
  width: number,
  size: number,
  { add, limit }: LengthOptions,
  writer: Writer
): number => {
  if (writer.problem !== undefined) return width
  if (size > limit) writer.exceed(size, limit)
  else if (widthOf(numeral, size + add) === width && writer.patchNumeral(position, numeral, size + add)) return width
  else if (isFixed(number)) writer.patch(position, number, size + add)
  else return writer.insert(position, number, size + add, width)
  return width
}

/** How many bytes to leave for a number that is not known: all, or at first the fewest. A small integer to the engine. */
export const firstWidth = (number: AnyCodec): number => isFixed(number) ? number.least | 0 : 1
