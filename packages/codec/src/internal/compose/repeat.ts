import { show } from "../fields/digits.ts"
import { type Marker, markerBytes, matched, showMarker } from "../fields/literal.ts"
import { readBlock } from "../machine/block.ts"
import { readBlocks, writeBlocks } from "../machine/blocks.ts"
import { type CodecValue, make } from "../machine/codec.ts"
import { type Cursor, type Stop, stop } from "../machine/cursor.ts"
import { plural } from "../machine/plural.ts"
import type { Writer } from "../machine/writer.ts"

export interface RepeatOptions {
  /** Exactly this many. */
  readonly count: number | undefined
  /** What stands after the last. */
  readonly until: ReadonlyArray<Marker> | undefined
  /** At most this many. */
  readonly limit: number
}

/** A value any number of times: to the end of the range, as often as said, or until a marker. */
export const repeat = <A>(
  item: CodecValue<A>,
  { count, limit, until }: RepeatOptions
): CodecValue<ReadonlyArray<A>> => {
  const markers = until?.map(markerBytes)
  // The limit of a frame does not bound elements that take no bytes.
  const most = item.least > 0 ? limit : Math.min(limit, 65536)
  const { block } = item
  const items = (c: Cursor, n: number): ReadonlyArray<A> | Stop => {
    const from = c.at
    const items: Array<A> = c.saved.length > 0 ? c.saved.pop() as Array<A> : []
    if (items.length === 0 && n > most) return c.exceed(n, most, from)
    for (;;) {
      if (block === undefined ? items.length >= n : readBlocks(c, block, items, n)) return items
      const { at } = c
      const value = readItem(c, item, items.length)
      if (value === stop) return c.leave(items, `[${items.length}]`)
      if (c.at === at && n === Infinity) return c.fail("an element takes no bytes, so that there is no end of them")
      items.push(value)
    }
  }
  const toEnd = (c: Cursor): ReadonlyArray<A> | Stop => {
    const items: Array<A> = []
    while (c.at < c.end || c.bit > 0) {
      const { at } = c
      if (items.length === most) return c.exceed(most + 1, most, at)
      // The content of a block is that of its codec.
      let value = block === undefined ? stop : readBlock(c, block) as A | Stop
      if (value === stop) value = readItem(c, item, items.length)
      if (value === stop) return c.leave(items, `[${items.length}]`)
      if (c.at === at) return c.fail("an element takes no bytes, so that there is no end of them")
      items.push(value)
    }
    return items
  }
  const toMarker = (c: Cursor, markers: ReadonlyArray<Uint8Array>): ReadonlyArray<A> | Stop => {
    let open = c.saved.length > 0
    const items: Array<A> = open ? c.saved.pop() as Array<A> : []
    // The element that is open is not the marker.
    open &&= c.saved.length > 0
    for (;;) {
      if (!open) {
        let needed = 0
        for (const marker of markers) {
          const n = matched(c, c.at, marker)
          if (n === marker.length) {
            c.at += n
            return items
          }
          if (c.at + n === c.end) needed = needed === 0 ? marker.length : Math.min(needed, marker.length)
        }
        if (needed > 0) {
          c.short(needed)
          return c.leave(items, undefined)
        }
        if (items.length === most) return c.exceed(most + 1, most, c.at)
      }
      open = false
      const { at } = c
      const value = readItem(c, item, items.length)
      if (value === stop) return c.leave(items, `[${items.length}]`)
      if (c.at === at) return c.fail("an element takes no bytes, so that the end of them cannot come")
      items.push(value)
    }
  }
  const writeMarked = (value: A, writer: Writer, markers: ReadonlyArray<Uint8Array>): void => {
    const from = writer.position
    item.write(value, writer)
    if (writer.problem !== undefined) return
    const head = writer.range(from, writer.position)
    if (markers.some((marker) => marker.every((byte, i) => byte === head[i]))) {
      writer.fail("the element begins with what ends the elements")
    }
  }
  return make<ReadonlyArray<A>>({
    kind: `${count === undefined ? "" : `${count} × `}${item.kind}${
      until === undefined ? "" : `, until ${until.map(showMarker).join(" or ")}`
    }`,
    least: (count ?? 0) * item.least + Math.min(...(markers ?? [[]]).map((marker) => marker.length)),
    most: count === undefined ? Infinity : count * item.most,
    greedy: count === undefined && until === undefined,
    align: item.align,
    rows: item.rows,
    role: { _tag: "Repeat", items },
    problem: item.problem ??
      (count === undefined || (Number.isSafeInteger(count) && count >= 0)
        ? undefined
        : `count is ${count}; it must be a whole number`) ??
      (item.greedy ? "an element has no end; give it a length or a delimiter" : undefined) ??
      (item.align(0) === 0 ? undefined : "an element must take whole bytes") ??
      (limit >= 0 ? undefined : `limit is ${limit}; it must be 0 or more`) ??
      (markers?.some((marker) => marker.length === 0) ?? false ? "until has at least one byte" : undefined),
    measure: item.measure === undefined ? undefined : (value) => {
      let size = markers?.[0]?.length ?? 0
      for (const each of value) size += item.measure!(each)
      return size
    },
    read: count !== undefined
      ? (c) => items(c, count)
      : markers !== undefined
      ? (c) => toMarker(c, markers)
      : toEnd,
    write: (value, writer) => {
      if (!Array.isArray(value)) return writer.fail("it is not an array")
      if (value.length > most) return writer.exceed(value.length, most)
      if (count !== undefined && value.length !== count) {
        return writer.fail(`it must have ${plural(count, "element")}, not ${value.length}`)
      }
      for (let i = 0; i < value.length; i++) {
        if (markers !== undefined) writeMarked(value[i], writer, markers)
        else {
          if (block !== undefined) i = writeBlocks(writer, block, value, i)
          if (i < value.length) item.write(value[i], writer)
        }
        if (writer.problem !== undefined) {
          writer.path.push(`[${i}]`)
          return
        }
      }
      if (markers !== undefined) writer.payload(markers[0]!)
    },
    sample: (random) => {
      const length = count ?? Math.min(most, random.length(0, random.depth > 3 ? 0 : 8 >> random.depth))
      return Array.from({ length }, () => item.sample(random))
    }
  })
}

/** What stands between elements. */
export const separated = <A>(
  item: CodecValue<A>,
  separator: Marker,
  limit: number
): CodecValue<ReadonlyArray<A>> => {
  const marker = markerBytes(separator)
  return make<ReadonlyArray<A>>({
    kind: `${item.kind}, separated by ${showMarker(separator)}`,
    least: item.least,
    most: Infinity,
    greedy: true,
    rows: item.rows,
    problem: item.problem ?? (marker.length === 0 ? "a separator has at least one byte" : undefined),
    read: (c) => {
      const items: Array<A> = []
      for (;;) {
        if (items.length === limit) return c.exceed(limit + 1, limit, c.at)
        const value = readItem(c, item, items.length)
        if (value === stop) return c.leave(items, `[${items.length}]`)
        items.push(value)
        if (c.at === c.end) return items
        const n = matched(c, c.at, marker)
        if (n < marker.length) {
          return c.fail(`expected ${showMarker(separator)}, but found ${show(c.bytes[Math.min(c.at + n, c.end - 1)]!)}`)
        }
        c.at += n
      }
    },
    write: (value, writer) => {
      if (!Array.isArray(value) || value.length === 0) return writer.fail("it must be an array that is not empty")
      if (value.length > limit) return writer.exceed(value.length, limit)
      for (let i = 0; i < value.length; i++) {
        if (i > 0) writer.payload(marker)
        item.write(value[i], writer)
        if (writer.problem !== undefined) {
          writer.path.push(`[${i}]`)
          return
        }
      }
    },
    sample: (random) => Array.from({ length: random.length(1, Math.min(limit, 8)) }, () => item.sample(random))
  })
}

/** Reads an element; where fields are told, with its index. */
const readItem = <A>(c: Cursor, item: CodecValue<A>, index: number): A | Stop => {
  if (c.visits === undefined) return item.read(c)
  c.names.push(`[${index}]`)
  const value = item.read(c)
  c.names.pop()
  return value
}
