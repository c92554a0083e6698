/**
 * DNS messages (RFC 1035), over UDP and TCP, with compressed names.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Codec from "../Codec.ts"

const longestName = 255
const longestLabel = 63

type Label = { readonly text: string; readonly next: number } | { readonly pointer: number; readonly next: number }

const labelAt = (bytes: Uint8Array, at: number, end: number): Label | undefined | string => {
  if (at >= end) return undefined
  const length = bytes[at]!
  if (length >= 0xc0) {
    return at + 2 > end ? undefined : { pointer: (length & 0x3f) * 256 + bytes[at + 1]!, next: at + 2 }
  }
  if (length > longestLabel) return `0x${length.toString(16)} begins no label`
  if (at + 1 + length > end) return undefined
  return { text: String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)), next: at + 1 + length }
}

/** A dot in a label, and a backslash, as in a zone file (RFC 1035, 5.1). */
const escape = (label: string): string => label.replaceAll(/[.\\]/g, "\\$&")

/**
 * A name, as labels with dots between them; the root is empty. Pointers to earlier names of the message are followed, and
 * none is written.
 *
 * @category codecs
 * @since 0.1.0
 */
export const name: Codec.Codec<string> = Codec.custom<string>({
  kind: "domain name",
  size: [1, longestName],
  decode: ({ at, begin, bytes, end }) => {
    const labels: Array<string> = []
    let length = 0
    let size = 0
    /** Pointers only lead to what is before, so that they cannot go round. */
    let lowest = at
    let last = end
    for (let place = at;;) {
      const label = labelAt(bytes, place, last)
      if (typeof label === "string") return { invalid: label }
      if (label === undefined) {
        return size === 0
          ? { need: end - at + 1 }
          : { invalid: "a pointer leads to half a name" }
      }
      if ("pointer" in label) {
        if (size === 0) size = label.next - at
        const target = begin + label.pointer
        if (target >= lowest) return { invalid: `a pointer leads to ${label.pointer}, which is not before it` }
        last = lowest
        lowest = place = target
        continue
      }
      if (label.text === "") return { value: labels.join("."), size: size === 0 ? label.next - at : size }
      length += label.text.length + 1
      if (length >= longestName) return { invalid: `the name is longer than ${longestName} bytes` }
      labels.push(escape(label.text))
      place = label.next
    }
  },
  encode: (name) => {
    const labels = name === ""
      ? []
      : (name.match(/(?:\\.|[^.\\])+|(?<=\.)(?=\.|$)|^(?=\.)/gs) ?? [""]).map((label) =>
        label.replaceAll(/\\(.)/gs, "$1")
      )
    const bytes: Array<number> = []
    for (const label of labels) {
      if (label.length === 0 || label.length > longestLabel) {
        return Result.fail(`a label has 1 to ${longestLabel} bytes, not ${label.length}`)
      }
      bytes.push(label.length)
      for (const character of label) {
        const code = character.charCodeAt(0)
        if (code > 0xff) return Result.fail("a label has bytes; encode other characters with Punycode")
        bytes.push(code)
      }
    }
    bytes.push(0)
    return bytes.length > longestName
      ? Result.fail(`the name is longer than ${longestName} bytes`)
      : Result.succeed(Uint8Array.from(bytes))
  },
  sample: (random) =>
    Array.from({ length: Math.floor(random() * 4) }, () => "example-host-9".slice(0, 1 + Math.floor(random() * 14)))
      .join(".")
})

const text = Codec.repeat(Codec.lengthPrefixed(Codec.uint8, Codec.bytes()))
const record = { class: Codec.uint16be, ttl: Codec.uint32be, length: Codec.lengthOfRest(Codec.uint16be) }

/** What a record says, by its type. */
const data = Codec.taggedOr(
  Codec.uint16be,
  {
    A: [1, { ...record, address: Codec.bytes(4) }],
    NS: [2, { ...record, name }],
    CNAME: [5, { ...record, name }],
    SOA: [6, {
      ...record,
      primary: name,
      mailbox: name,
      serial: Codec.uint32be,
      refresh: Codec.uint32be,
      retry: Codec.uint32be,
      expire: Codec.uint32be,
      minimum: Codec.uint32be
    }],
    PTR: [12, { ...record, name }],
    MX: [15, { ...record, preference: Codec.uint16be, exchange: name }],
    TXT: [16, { ...record, text }],
    AAAA: [28, { ...record, address: Codec.bytes(16) }],
    SRV: [33, {
      ...record,
      priority: Codec.uint16be,
      weight: Codec.uint16be,
      port: Codec.uint16be,
      target: name
    }]
  },
  { tag: "Other", as: "type", fields: { ...record, data: Codec.bytes() } }
)

const records = Codec.repeat(Codec.struct({ name, data }))

/**
 * A message, as it is in a datagram. Use `Codec.decode` and `Codec.encode`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const message = Codec.struct({
  id: Codec.uint16be,
  isResponse: Codec.flag,
  opcode: Codec.bits(4),
  isAuthoritative: Codec.flag,
  isTruncated: Codec.flag,
  recursionDesired: Codec.flag,
  recursionAvailable: Codec.flag,
  gap: Codec.paddingBits(1),
  isAuthentic: Codec.flag,
  checkingDisabled: Codec.flag,
  responseCode: Codec.bits(4),
  questionCount: Codec.countOf("questions", Codec.uint16be),
  answerCount: Codec.countOf("answers", Codec.uint16be),
  authorityCount: Codec.countOf("authorities", Codec.uint16be),
  additionalCount: Codec.countOf("additionals", Codec.uint16be),
  questions: Codec.repeat(Codec.struct({ name, type: Codec.uint16be, class: Codec.uint16be })),
  answers: records,
  authorities: records,
  additionals: records
}).pipe(Codec.named("message"))

/**
 * A message with its length before it, as it is on a TCP connection. Use `Codec.framing`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const tcpMessage = Codec.lengthPrefixed(Codec.uint16be, message).pipe(Codec.named("message"))
