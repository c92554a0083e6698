import { show } from "../fields/digits.ts"
import { markerBytes, showMarker } from "../fields/literal.ts"
import { type CodecValue, derive, make } from "../machine/codec.ts"
import type { Fields } from "../machine/plan.ts"
import { type FieldCodecs, tagged } from "./tagged.ts"

/** The texts that may come, by their next byte. */
interface Node {
  readonly next: Map<number, Node>
  text: string | undefined
}

const treeOf = (texts: ReadonlyArray<string>): Node => {
  const root: Node = { next: new Map(), text: undefined }
  for (const text of texts) {
    let node = root
    for (const byte of markerBytes(text)) {
      let next = node.next.get(byte)
      if (next === undefined) node.next.set(byte, next = { next: new Map(), text: undefined })
      node = next
    }
    node.text = text
  }
  return root
}

/** The longest of these texts with which bytes begin. */
const longest = (root: Node, bytes: Uint8Array): string | undefined => {
  let node: Node | undefined = root
  let found = root.text
  for (let i = 0; i < bytes.length; i++) {
    node = node.next.get(bytes[i]!)
    if (node === undefined) break
    found = node.text ?? found
  }
  return found
}

/** One of a few texts: the longest that fits. */
const keyword = (texts: ReadonlyArray<string>): CodecValue<string> => {
  const root = treeOf(texts)
  const bytesOf = new Map(texts.map((text) => [text, markerBytes(text)]))
  const lengths = Array.from(bytesOf.values(), (bytes) => bytes.length)
  /** The texts that are a byte by themselves, and begin no other. */
  const single = Array.from({ length: 256 }, (_, byte) => {
    const node = root.next.get(byte)
    return node !== undefined && node.next.size === 0 ? node.text : undefined
  })
  return make<string>({
    kind: texts.map(showMarker).join(", "),
    least: Math.min(...lengths),
    most: Math.max(...lengths),
    atomic: true,
    problem: texts.length === 0 ? "there must be a text" : undefined,
    measure: (text) => bytesOf.get(text)?.length ?? 0,
    read: (c) => {
      const { at, bytes, end } = c
      if (at < end) {
        const only = single[bytes[at]!]
        if (only !== undefined) {
          c.at = at + 1
          return only
        }
      }
      let node = root
      let found = root.text
      let length = 0
      for (let i = at; node.next.size > 0; i++) {
        if (i === end) {
          if (c.bounded) break
          return c.short(i - at + 1)
        }
        const next = node.next.get(bytes[i]!)
        if (next === undefined) break
        node = next
        if (node.text !== undefined) {
          found = node.text
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
    write: (text, writer) => writer.payload(bytesOf.get(text)!),
    sample: (random) => texts[random.below(texts.length)]!
  })
}

/** A tagged union whose forms begin with different texts; the longest that fits decides. */
export const taggedByPrefix = (
  cases: Readonly<Record<string, readonly [prefix: string, fields?: FieldCodecs]>>
): CodecValue<Fields> => {
  const prefixes = Object.values(cases).map(([prefix]) => prefix)
  const union = tagged(keyword(prefixes), cases, undefined)
  const root = treeOf(prefixes)
  const longestPrefix = Math.max(...prefixes.map((prefix) => markerBytes(prefix).length))
  const ambiguous = prefixes.filter((prefix) => prefixes.some((other) => other !== prefix && other.startsWith(prefix)))
  if (ambiguous.length === 0) return union
  return derive<Fields>(union, {
    write: (value, writer) => {
      const from = writer.position
      union.write(value, writer)
      if (writer.problem !== undefined) return
      const prefix = cases[value["_tag"] as string]![0]
      if (!ambiguous.includes(prefix)) return
      const head = writer.range(from, Math.min(writer.position, from + longestPrefix))
      const found = longest(root, head)
      if (found !== prefix) writer.fail(`it begins with ${showMarker(found ?? "")}, which is another form`)
    }
  })
}
