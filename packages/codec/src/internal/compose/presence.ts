import type { CodecValue } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"
import { link } from "./lengthOf.ts"

/** How many elements a later field has. */
export const countOf = (target: string, number: CodecValue<number>): CodecValue<void> =>
  link(number, `count of ${target}`, 0, (plan, index) => {
    const at = plan.after(index, target)
    if (at === undefined) return
    const { role } = plan.codecs[at]!
    if (role?._tag !== "Repeat") return plan.fail(index, `${JSON.stringify(target)} is not a repeat`)
    const slot = plan.slots++
    plan.ended.add(at)
    plan.reads[index] = (c) => {
      const count = number.read(c)
      if (count === stop) return stop
      c.links[c.linkBase + slot] = count
      return undefined
    }
    plan.reads[at] = (c) => role.items(c, c.links[c.linkBase + slot]!)
    plan.writeWhole(index, (value, writer) => {
      const array = value[target]
      if (Array.isArray(array)) number.write(array.length, writer)
      else writer.fail(`${target} is not an array`)
    })
  })

/** Whether a later field is there. */
export const presenceOf = (target: string, flag: CodecValue<boolean>): CodecValue<void> =>
  link(flag, `presence of ${target}`, 0, (plan, index) => {
    const at = plan.after(index, target)
    if (at === undefined) return
    const { role } = plan.codecs[at]!
    if (role?._tag !== "Optional") return plan.fail(index, `${JSON.stringify(target)} is not optional`)
    const { content } = role
    const slot = plan.slots++
    if (!content.greedy) plan.ended.add(at)
    plan.reads[index] = (c) => {
      const present = flag.read(c)
      if (present === stop) return stop
      c.links[c.linkBase + slot] = present ? 1 : 0
      return undefined
    }
    plan.reads[at] = (c) => c.links[c.linkBase + slot] === 1 ? content.read(c) : undefined
    plan.writeWhole(index, (value, writer) => flag.write(value[target] !== undefined, writer))
  })
