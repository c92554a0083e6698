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

/** A pointer has 14 bits for its offset. */
const pointerRange = 0x4000

/** Reads a name, and follows pointers. */
const decodeName = ({ at, begin, bytes, end }: Codec.CustomInput) => {
  let name = ""
  let total = 1
  let size = 0
  /** A pointer must lead to an earlier place than all before it, so that there is no loop. */
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
}

/** The size of a name without compression, in bytes. */
const wholeSize = (name: string): number => {
  let size = name.length + 2
  for (let i = name.indexOf("\\"); i >= 0; i = name.indexOf("\\", i + 2)) size--
  return size
}

const tooLong = Result.fail(`the name is longer than ${longestName} bytes`)

/** The buffer for a name. It has room for one label too many, which is then rejected. */
const scratch = new Uint8Array(longestName + longestLabel + 2)

/** The bytes of a name. If compressed, its longest suffix that was written before becomes a pointer. */
const encodeName = (
  name: string,
  { at, memory }: Codec.CustomOutput,
  isCompressed: boolean
): Result.Result<Uint8Array, string> => {
  let size = 0
  for (let i = 0; i < name.length; i++) {
    const rest = i === 0 ? name : name.slice(i)
    const known = memory.get(rest)
    if (known !== undefined && isCompressed) {
      if (size + wholeSize(rest) > longestName) return tooLong
      scratch[size] = 0xc0 | known >> 8
      scratch[size + 1] = known & 0xff
      return Result.succeed(scratch.slice(0, size + 2))
    }
    if (known === undefined && at + size < pointerRange) memory.set(rest, at + size)
    const begin = size++
    for (; i < name.length; i++) {
      let code = name.charCodeAt(i)
      if (code === dot) break
      if (code === backslash) code = name.charCodeAt(++i)
      if (!(code <= 0xff)) return Result.fail("a label has bytes; encode other characters with Punycode")
      if (size - begin > longestLabel) return Result.fail(`a label is longer than ${longestLabel} bytes`)
      scratch[size++] = code
    }
    const length = size - begin - 1
    if (length === 0 || i === name.length - 1) return Result.fail("a label is empty")
    if (size >= longestName) return tooLong
    scratch[begin] = length
  }
  scratch[size] = 0
  return Result.succeed(scratch.slice(0, size + 1))
}

const makeName = (isCompressed: boolean): Codec.Codec<string> =>
  Codec.custom<string>({
    kind: "domain name",
    size: [1, longestName],
    decode: decodeName,
    encode: (name, output) => encodeName(name, output, isCompressed),
    sample: (random) =>
      Array.from({ length: Math.floor(random() * 4) }, () => "example-host-9".slice(0, 1 + Math.floor(random() * 14)))
        .join(".")
  })

/**
 * A name, as labels with dots between them; the root is empty. A dot or a backslash in a label has a backslash before it.
 * Pointers to earlier names of the message are followed; where the end of a name was written before, in the same case, a
 * pointer is written.
 *
 * @category codecs
 * @since 0.1.0
 */
export const name: Codec.Codec<string> = makeName(true)

/** A name that must not be compressed (RFC 3597, section 4). */
const wholeName = makeName(false)

/**
 * The record types that are decoded into fields, by name (RFC 1035, RFC 3596, RFC 2782).
 *
 * @category models
 * @since 0.1.0
 */
export const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const

const text = Codec.repeat(Codec.lengthPrefixed(Codec.uint8, Codec.bytes()))
const envelope = { class: Codec.uint16be, ttl: Codec.uint32be, length: Codec.lengthOfRest(Codec.uint16be) }

/** What a record says, by its type. */
const data = Codec.taggedOr(
  Codec.uint16be,
  {
    A: [types.A, { ...envelope, address: Codec.bytes(4) }],
    NS: [types.NS, { ...envelope, name }],
    CNAME: [types.CNAME, { ...envelope, name }],
    SOA: [types.SOA, {
      ...envelope,
      primary: name,
      mailbox: name,
      serial: Codec.uint32be,
      refresh: Codec.uint32be,
      retry: Codec.uint32be,
      expire: Codec.uint32be,
      minimum: Codec.uint32be
    }],
    PTR: [types.PTR, { ...envelope, name }],
    MX: [types.MX, { ...envelope, preference: Codec.uint16be, exchange: name }],
    TXT: [types.TXT, { ...envelope, text }],
    AAAA: [types.AAAA, { ...envelope, address: Codec.bytes(16) }],
    SRV: [types.SRV, {
      ...envelope,
      priority: Codec.uint16be,
      weight: Codec.uint16be,
      port: Codec.uint16be,
      target: wholeName
    }]
  },
  { tag: "Other", as: "type", fields: { ...envelope, data: Codec.bytes() } }
)

/**
 * A resource record: a name and its data. Records of types that are not in {@link types} are `Other`, with bytes as data.
 *
 * @category codecs
 * @since 0.1.0
 */
export const record = Codec.struct({ name, data }).pipe(Codec.named("record"))

const records = Codec.repeat(record)

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
