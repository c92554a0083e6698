import { type Block, BlockContent, readBlock, textLength, writeBlock } from "../machine/block.ts"
import { type AnyCodec, type CodecValue, make } from "../machine/codec.ts"
import { type Cursor, type Stop, stop } from "../machine/cursor.ts"
import { NumberForm, numeralOf, readNumeral, writeNumeral } from "../machine/number.ts"
import { plural } from "../machine/plural.ts"
import { copyLimit, type Writer } from "../machine/writer.ts"
import { badLength, close, firstWidth, isCounted, type LengthOptions, open, writeLength } from "./lengthOf.ts"

/** A length, then what takes exactly this many bytes; or the value of the length that says that nothing comes. */
export const lengthPrefixed = <A>(
  number: CodecValue<number>,
  content: CodecValue<A>,
  options: LengthOptions & { readonly absent: number | undefined }
): CodecValue<A | undefined> => {
  const { absent, add, limit } = options
  const { measure, read } = content
  const numeral = numeralOf(number)
  const readNumber = number.read
  const block = blockOf(number, content, options)
  // To measure what is not bytes takes about as long as to write it: its length is filled in later.
  const isMeasured = measure !== undefined && (number.align(0) !== 0 || isCounted(content))
  let width = firstWidth(number)
  const readParts = (c: Cursor): A | undefined | Stop => {
    const { at, base, bit, bounded, end } = c
    let length = readNumeral(c, numeral)
    if (length === stop) length = readNumber(c)
    if (length === stop) return stop
    if (absent !== undefined && length === absent) return undefined
    const size = length - add
    if (size < 0 || size > limit) return badLength(c, size, limit, at)
    const last = c.at + size
    if (end < last) {
      // The number is read again when the rest has come.
      c.short(size)
      c.at = at
      c.bit = bit
      return stop
    }
    c.base = c.at
    c.end = last
    c.bounded = true
    const value: A | Stop = read(c)
    c.base = base
    c.end = end
    c.bounded = bounded
    if (value !== stop && c.at !== last) return c.fail(`${plural(last - c.at, "byte")} left over`)
    return value
  }
  /** Whether a size would be written as the length that stands for absent content. */
  const isAbsent = (size: number): boolean => absent !== undefined && size + add === absent
  const failAbsent = (size: number, writer: Writer): void =>
    writer.fail(`its length of ${plural(size, "byte")} is written as ${absent}, which says that nothing comes`)
  const writeParts = (value: A | undefined, writer: Writer): void => {
    if (value === undefined) {
      return absent === undefined ? writer.fail("it is missing") : number.write(absent, writer)
    }
    if (isMeasured) {
      const size = measure(value)
      if (isAbsent(size)) return failAbsent(size, writer)
      writeLength(number, size, options, writer)
      writer.enclose(content.write, value)
      return
    }
    // The content can contain such a length, which changes `width`.
    const left = width
    const position = open(left, writer)
    const size = writer.enclose(content.write, value)
    if (isAbsent(size)) return failAbsent(size, writer)
    width = close(number, numeral, position, left, size, options, writer)
  }
  return make<A | undefined>({
    kind: `${number.kind} of length, then ${content.kind}`,
    least: number.least + (absent === undefined ? content.least : 0),
    most: number.most + Math.min(content.most, limit),
    atomic: true,
    problem: number.problem ?? content.problem ?? (number.atomic ? undefined : "the length must be a number") ??
      (measure !== undefined || number.align(0) === 0 ? undefined : "a length in bits needs content of a known size"),
    measure: measure === undefined || number.measure === undefined ? undefined : (value) => {
      if (value === undefined) return absent === undefined ? 0 : number.measure!(absent)
      const length = measure(value)
      return number.measure!(length + add) + length
    },
    align: number.align,
    rows: content.rows,
    block,
    read: block === undefined ? readParts : (c) => {
      const value = readBlock(c, block)
      // The content of the block is that of the codec.
      return value === stop ? readParts(c) : value as A | undefined
    },
    write: block === undefined ? writeParts : (value, writer) => {
      if (!writeBlock(writer, block, value)) writeParts(value, writer)
    },
    sample: (random) => absent !== undefined && random.below(4) === 0 ? undefined : content.sample(random)
  })
}

/** The most that a length of common code counts beyond its content. */
const largestAdd = 2 ** 30

const blockOf = (
  number: CodecValue<number>,
  { content, problem }: AnyCodec,
  { absent, add, limit }: LengthOptions & { readonly absent: number | undefined }
): Block | undefined => {
  const numeral = numeralOf(number)
  const { form } = numeral
  if (
    content === undefined || problem !== undefined || form === NumberForm.none || !Number.isInteger(add) ||
    Math.abs(add) > largestAdd
  ) {
    return undefined
  }
  if (
    absent !== undefined &&
    !(Number.isInteger(absent) && (absent >= 0 || (form === NumberForm.int32be && absent >= -(2 ** 31))))
  ) {
    return undefined
  }
  // Numbers that are small integers to the engine; -1 where nothing is usual.
  const small = (n: number): number => Math.max(-1, Math.min(n, 0x7fffffff)) | 0
  const most = small(Math.min(
    limit,
    numeral.max - add,
    content === BlockContent.bytes ? copyLimit - 1 : textLength,
    // The codec refuses content whose length would stand for absent content. Content without bytes may have a larger one.
    absent !== undefined && absent >= Math.max(0, add) ? absent - add - 1 : Infinity
  ))
  const canOmit = absent !== undefined && absent <= numeral.max
  const least = small(Math.max(0, -add))
  return { numeral, content, add, limit: small(limit), least, most, absent, canOmit, tail: 0, tail0: -1, tail1: -1 }
}

/** A number of elements, then the elements. */
export const countPrefixed = <A>(
  number: CodecValue<number>,
  repeat: CodecValue<ReadonlyArray<A>>,
  absent: number | undefined
): CodecValue<ReadonlyArray<A> | undefined> => {
  const items = itemsOf(repeat)
  const numeral = numeralOf(number)
  return make<ReadonlyArray<A> | undefined>({
    kind: `${number.kind} of count, then ${repeat.kind}`,
    least: number.least,
    most: Infinity,
    align: number.align,
    rows: repeat.rows,
    problem: number.problem ?? repeat.problem ?? (number.atomic ? undefined : "the count must be a number"),
    read: (c) => {
      let count = c.saved.length > 0 ? c.saved.pop() as number : readNumeral(c, numeral)
      if (count === stop) count = number.read(c)
      if (count === stop) return stop
      if (count === absent) return undefined
      // What repeats A reads an array of A.
      const values = items(c, count) as ReadonlyArray<A> | Stop
      return values === stop ? c.leave(count, undefined) : values
    },
    write: (value, writer) => {
      if (value === undefined && absent !== undefined) return number.write(absent, writer)
      if (!Array.isArray(value)) return writer.fail("it is not an array")
      writeNumeral(writer, numeral, number, value.length)
      if (writer.problem === undefined) repeat.write(value, writer)
    },
    sample: (random) => absent !== undefined && random.below(4) === 0 ? undefined : repeat.sample(random)
  })
}

const itemsOf = (repeat: AnyCodec): (c: Cursor, count: number) => ReadonlyArray<unknown> | Stop =>
  repeat.role?._tag === "Repeat" ? repeat.role.items : () => []
