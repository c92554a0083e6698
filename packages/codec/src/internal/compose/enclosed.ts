import { constant } from "../fields/constant.ts"
import { literal, type Marker, markerBytes } from "../fields/literal.ts"
import { type Block, readBlock, writeBlock } from "../machine/block.ts"
import { type CodecValue, derive, type Read } from "../machine/codec.ts"
import { type Cursor, type Stop, stop } from "../machine/cursor.ts"
import { lineBetween } from "../machine/line.ts"

interface Open<A> {
  /** The content, once it has been read. */
  readonly value: A | Stop
}

const readWithTail = <A>(block: Block, read: Read<A>): Read<A> => (c) => {
  const value = readBlock(c, block)
  // The content of the block is that of the codec.
  return value === stop ? read(c) : value as A
}

/** A codec between two literals, either of which can be missing. */
export const enclosed = <A>(
  before: Marker | undefined,
  content: CodecValue<A>,
  after: Marker | undefined
): CodecValue<A> => {
  const head: CodecValue<void> = before === undefined ? constant<void>(undefined) : literal([before])
  const tail: CodecValue<void> = after === undefined ? constant<void>(undefined) : literal([after])
  const { measure } = content
  const beforeBytes = before === undefined ? undefined : markerBytes(before)
  const afterBytes = after === undefined ? undefined : markerBytes(after)
  const tailRead = tail.read
  const tailLength = afterBytes?.length ?? 0
  const tail0 = afterBytes?.[0] ?? -1
  const tail1 = afterBytes?.[1] ?? -1
  /** Reads the suffix. One or two bytes are compared here, without a call. */
  const readTail = (c: Cursor): void | Stop => {
    const { at, bytes } = c
    if (tailLength > 2 || c.end - at < tailLength) return tailRead(c)
    if (bytes[at] !== tail0 || (tailLength === 2 && bytes[at + 1] !== tail1)) return tailRead(c)
    c.at = at + tailLength
  }
  const around = head.least + tail.least
  // A block that may be absent has its tail all the same, which only the codec itself reads.
  const block: Block | undefined = content.block !== undefined && content.block.tail === 0 &&
      content.block.absent === undefined && before === undefined && (tailLength === 1 || tailLength === 2)
    ? { ...content.block, tail: tailLength, tail0, tail1 }
    : undefined
  /** Starts over when something is missing. */
  const readAtomic: Read<A> = (c) => {
    const { at } = c
    if (before !== undefined && head.read(c) === stop) return stop
    const value = content.read(c)
    if (value === stop || (after !== undefined && readTail(c) === stop)) {
      if (c.problem === undefined) c.at = at
      return stop
    }
    return value
  }
  const readParts: Read<A> = (c) => {
    const open = c.saved.length > 0 ? c.saved.pop() as Open<A> : undefined
    if (open === undefined && before !== undefined && head.read(c) === stop) return stop
    let value = open === undefined ? stop : open.value
    if (value === stop) value = content.read(c)
    if (value === stop || (after !== undefined && readTail(c) === stop)) return c.leave({ value }, undefined)
    return value
  }
  return derive<A>(content, {
    kind: [before === undefined ? "" : head.kind, content.kind, after === undefined ? "" : tail.kind].filter(Boolean)
      .join(", "),
    least: content.least + around,
    most: content.most + around,
    role: undefined,
    line: lineBetween(content.line, beforeBytes, afterBytes),
    block,
    problem: head.problem ?? content.problem ?? tail.problem ??
      (content.greedy && after !== undefined
        ? "it takes all bytes, so that none are left for what stands after it; give it a length"
        : undefined),
    measure: measure === undefined ? undefined : (value) => measure(value) + around,
    read: block !== undefined ? readWithTail(block, readAtomic) : content.atomic ? readAtomic : readParts,
    write: (value, writer) => {
      if (block !== undefined && writeBlock(writer, block, value)) return
      if (before !== undefined) head.write(undefined, writer)
      content.write(value, writer)
      if (after !== undefined) tail.write(undefined, writer)
    }
  })
}
