import { type CodecValue, derive, make } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"
import { bits } from "./bits.ts"

/** A value that takes no bytes. */
export const constant = <A>(value: A): CodecValue<A> =>
  make<A>({
    kind: String(value),
    least: 0,
    most: 0,
    atomic: true,
    align: (bit) => bit,
    read: () => value,
    write: (given, writer) => given === value ? undefined : writer.fail(`it is not ${String(value)}`),
    sample: () => value
  })

/** Bits that are written as a value, and must be this value if they are checked. */
export const fixedBits = (count: number, value: number, isChecked: boolean): CodecValue<void> => {
  const number = bits(count)
  return derive<number, void>(number, {
    kind: isChecked ? `${count} bits: ${value}` : "padding",
    hidden: true,
    problem: number.problem ??
      (Number.isInteger(value) && value >= 0 && value < 2 ** count
        ? undefined
        : `${value} has more than ${count} bits`),
    read: (c) => {
      const { at } = c
      const read = number.read(c)
      if (read === stop) return stop
      return !isChecked || read === value ? undefined : c.fail(`expected ${value}, but found ${read}`, at)
    },
    write: (_, writer) => number.write(value, writer),
    sample: () => undefined
  })
}
