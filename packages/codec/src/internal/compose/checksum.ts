import type { CodecValue } from "../machine/codec.ts"
import { type Cursor, stop } from "../machine/cursor.ts"
import type { Plan } from "../machine/plan.ts"
import { firstWidth, isFixed, link } from "./lengthOf.ts"

/** A number over the bytes of other fields: by default, all that come before it. */
export const checksum = (
  of: (bytes: Uint8Array) => number,
  name: string,
  number: CodecValue<number>,
  over: readonly [first: string, last: string] | undefined
): CodecValue<void> =>
  link(number, name, 2, (plan, index) => {
    const first = over === undefined ? 0 : plan.names.indexOf(over[0])
    const last = over === undefined ? index - 1 : plan.names.indexOf(over[1])
    if (first < 0 || last < first) return plan.fail(index, `there are no fields ${over?.join(" to ")} in this order`)
    if (first <= index && index <= last) return plan.fail(index, "it cannot cover itself")
    const covered: Covered = { of, number, first: plan.slots++, last: plan.slots++, value: plan.slots++ }
    note(plan, first, covered.first, "begin")
    note(plan, last, covered.last, "end")
    if (last < index) tieAfter(plan, index, covered)
    else tieBefore(plan, index, last, covered)
  })

interface Covered {
  readonly of: (bytes: Uint8Array) => number
  readonly number: CodecValue<number>
  /** The slots of the positions, and of a checksum that comes before what it covers. */
  readonly first: number
  readonly last: number
  readonly value: number
}

/** Notes where a field begins or ends. */
const note = (plan: Plan, index: number, slot: number, side: "begin" | "end"): void => {
  const read = plan.reads[index]!
  plan.reads[index] = side === "begin"
    ? (c) => {
      // A field that resumes began before.
      if (c.saved.length === 0) c.links[c.linkBase + slot] = c.at - c.start
      return read(c)
    }
    : (c) => {
      const value = read(c)
      if (value !== stop) c.links[c.linkBase + slot] = c.at - c.start
      return value
    }
  plan.wrapWrite(index, (write, value, writer) => {
    if (side === "begin") writer.links[writer.linkBase + slot] = writer.position
    write(value, writer)
    if (side === "end") writer.links[writer.linkBase + slot] = writer.position
  })
}

const verify = (c: Cursor, { first, last, of }: Covered, said: number, at: number) => {
  const { linkBase, links } = c
  const from = links[linkBase + first]!
  const sum = of(c.view(c.start + from, links[linkBase + last]! - from))
  return sum === said ? undefined : c.fail(`the checksum is ${hex(said)}, but the bytes have ${hex(sum)}`, at)
}

const tieAfter = (plan: Plan, index: number, covered: Covered): void => {
  const { first, last, number, of } = covered
  plan.reads[index] = (c) => {
    const { at } = c
    const said = number.read(c)
    return said === stop ? stop : verify(c, covered, said, at)
  }
  plan.writeWhole(index, (_, writer) => {
    const { linkBase, links } = writer
    number.write(of(writer.range(links[linkBase + first]!, links[linkBase + last]!)), writer)
  })
}

const tieBefore = (plan: Plan, index: number, last: number, covered: Covered): void => {
  const { number, of } = covered
  if (!isFixed(number)) return plan.fail(index, "before what it covers, its size must be fixed")
  plan.reads[index] = (c) => {
    const said = number.read(c)
    if (said === stop) return stop
    c.links[c.linkBase + covered.value] = said
    return undefined
  }
  const read = plan.reads[last]!
  plan.reads[last] = (c) => {
    const value = read(c)
    return value === stop ? stop : verify(c, covered, c.links[c.linkBase + covered.value]!, c.at) ?? value
  }
  const width = firstWidth(number)
  plan.writeWhole(index, (_, writer) => {
    writer.links[writer.linkBase + covered.value] = writer.position
    writer.room(width)
  })
  plan.wrapWrite(last, (write, value, writer) => {
    write(value, writer)
    if (writer.problem !== undefined) return
    const { linkBase, links } = writer
    const sum = of(writer.range(links[linkBase + covered.first]!, links[linkBase + covered.last]!))
    writer.patch(links[linkBase + covered.value]!, number, sum)
  })
}

const hex = (value: number): string => `0x${value.toString(16)}`
