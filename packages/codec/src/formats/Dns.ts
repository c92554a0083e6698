/**
 * DNS messages (RFC 1035), over UDP and TCP, with compressed names.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Codec from "../Codec.ts"

const longestName = 255
const longestLabel = 63

const dot = 0x2e
const backslash = 0x5c

/** The text of a label, with a backslash before a dot or a backslash in it, as in a zone file (RFC 1035, 5.1). */
const labelText = (bytes: Uint8Array, from: number, end: number): string => {
  let text = ""
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!
    if (byte === dot || byte === backslash) text += "\\"
    text += String.fromCharCode(byte)
  }
  return text
}

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
    let name = ""
    let total = 1
    let size = 0
    /** Pointers only lead to what is before, so that they cannot go round. */
    let lowest = at
    let last = end
    for (let place = at;;) {
      const length = place < last ? bytes[place]! : 0
      const next = place + (length >= 0xc0 ? 2 : 1 + length)
      if (place >= last || next > last) {
        return size === 0 ? { need: end - at + 1 } : { invalid: "a pointer leads to half a name" }
      }
      if (length >= 0xc0) {
        if (size === 0) size = next - at
        const pointer = (length & 0x3f) * 256 + bytes[place + 1]!
        if (begin + pointer >= lowest) return { invalid: `a pointer leads to ${pointer}, which is not before it` }
        last = lowest
        lowest = place = begin + pointer
        continue
      }
      if (length > longestLabel) return { invalid: `0x${length.toString(16)} does not begin a label` }
      if (length === 0) return { value: name, size: size === 0 ? next - at : size }
      total += length + 1
      if (total > longestName) return { invalid: `the name is longer than ${longestName} bytes` }
      if (name !== "") name += "."
      name += labelText(bytes, place + 1, next)
      place = next
    }
  },
  encode: (name) => {
    if (name === "") return Result.succeed(Uint8Array.of(0))
    const bytes: Array<number> = [0]
    /** Where the length of the label stands, which is filled in at its end. */
    let begin = 0
    for (let i = 0; i <= name.length; i++) {
      const isEnd = i === name.length
      let code = isEnd ? dot : name.charCodeAt(i)
      if (code === dot) {
        const length = bytes.length - begin - 1
        if (length < 1 || length > longestLabel) {
          return Result.fail(`a label has 1 to ${longestLabel} bytes, not ${length}`)
        }
        bytes[begin] = length
        begin = bytes.length
        if (!isEnd) bytes.push(0)
        continue
      }
      if (code === backslash) code = name.charCodeAt(++i)
      if (!(code <= 0xff)) return Result.fail("a label has bytes; encode other characters with Punycode")
      bytes.push(code)
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
