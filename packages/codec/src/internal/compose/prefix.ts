import { show } from "../fields/digits.ts"
import { markerBytes, showMarker } from "../fields/literal.ts"
import { type CodecValue, make } from "../machine/codec.ts"
import type { Fields } from "../machine/plan.ts"
import { type Check, type FieldCodecs, tagged } from "./tagged.ts"

/** The texts that may come, by their next byte. */
interface Node {
  readonly next: Map<number, Node>
  /** Which of the texts ends here. */
  index: number | undefined
}

const treeOf = (texts: ReadonlyArray<string>): Node => {
  const root: Node = { next: new Map(), index: undefined }
  for (const [index, text] of texts.entries()) {
    let node = root
    for (const byte of markerBytes(text)) {
      let next = node.next.get(byte)
      if (next === undefined) node.next.set(byte, next = { next: new Map(), index: undefined })
      node = next
    }
    node.index = index
  }
  return root
}

/** The longest of these texts with which bytes begin. */
const longest = (root: Node, bytes: Uint8Array, from: number, end: number): number | undefined => {
  let node: Node | undefined = root
  let found = root.index
  for (let i = from; i < end; i++) {
    node = node.next.get(bytes[i]!)
    if (node === undefined) break
    found = node.index ?? found
  }
  return found
}

/** Which of a few texts: the longest that fits. */
const keyword = (texts: ReadonlyArray<string>): CodecValue<number> => {
  const root = treeOf(texts)
  const bytesOf = texts.map(markerBytes)
  const lengths = bytesOf.map((bytes) => bytes.length)
  /** The texts that are a byte by themselves, and begin no other; -1 for all other bytes. */
  const single = Int32Array.from({ length: 256 }, (_, byte) => {
    const node = root.next.get(byte)
    return node !== undefined && node.next.size === 0 ? node.index ?? -1 : -1
  })
  return make<number>({
    kind: texts.map(showMarker).join(", "),
    least: Math.min(...lengths),
    most: Math.max(...lengths),
    atomic: true,
    problem: texts.length === 0 || texts.length > 256
      ? `there are ${texts.length} texts; there must be 1 to 256`
      : undefined,
    lead: single,
    measure: (index) => lengths[index] ?? 0,
    read: (c) => {
      const { at, bytes, end } = c
      if (at < end) {
        const only = single[bytes[at]!]!
        if (only >= 0) {
          c.at = at + 1
          return only
        }
      }
      let node = root
      let found = root.index
      let length = 0
      for (let i = at; node.next.size > 0; i++) {
        if (i === end) {
          if (c.bounded) break
          return c.short(i - at + 1)
        }
        const next = node.next.get(bytes[i]!)
        if (next === undefined) break
        node = next
        if (node.index !== undefined) {
          found = node.index
          length = i + 1 - at
        }
      }
      if (found === undefined) {
        return c.fail(
          `expected one of ${texts.map(showMarker).join(", ")}${at < end ? `, but found ${show(bytes[at]!)}` : ""}`
        )
      }
      c.at = at + length
      return found
    },
    write: (index, writer) => writer.payload(bytesOf[index]!),
    sample: (random) => random.below(texts.length)
  })
}

/** A tagged union whose forms begin with different texts; the longest that fits decides. */
export const taggedByPrefix = (
  cases: Readonly<Record<string, readonly [prefix: string, fields?: FieldCodecs]>>
): CodecValue<Fields> => {
  const prefixes = Object.values(cases).map(([prefix]) => prefix)
  const root = treeOf(prefixes)
  const longestPrefix = Math.max(...prefixes.map((prefix) => markerBytes(prefix).length))
  /** Finds the values of a form that begin as another form does. */
  const checkOf = (prefix: string): Check => {
    const { length } = markerBytes(prefix)
    // The bytes that may follow the prefix in other forms.
    const isNext = nextBytes(root, prefix)
    return (writer, from) => {
      const to = Math.min(writer.position, from + longestPrefix)
      const begin = writer.indexOf(from)
      if (begin >= 0 && isNext[writer.bytes[begin + length]!] === 0) return
      const found = begin >= 0
        ? longest(root, writer.bytes, begin, begin + to - from)
        : longest(root, writer.range(from, to), 0, to - from)
      if (found !== undefined && prefixes[found] !== prefix) {
        writer.fail(`it begins with ${showMarker(prefixes[found]!)}, which is another form`)
      }
    }
  }
  const beginsOther = (prefix: string) => prefixes.some((other) => other !== prefix && other.startsWith(prefix))
  return tagged(
    keyword(prefixes),
    Object.fromEntries(Object.entries(cases).map(([tag, [, fields]], index) => [tag, [index, fields] as const])),
    undefined,
    (index) => showMarker(prefixes[index as number]!),
    new Map(
      Object.entries(cases).flatMap(([tag, [prefix]]) => beginsOther(prefix) ? [[tag, checkOf(prefix)] as const] : [])
    )
  )
}

/** Whether a byte may follow a prefix in another: 1 or 0, for all bytes. */
const nextBytes = (root: Node, prefix: string): Uint8Array => {
  let node = root
  for (const byte of markerBytes(prefix)) node = node.next.get(byte)!
  return Uint8Array.from({ length: 256 }, (_, byte) => node.next.has(byte) ? 1 : 0)
}
