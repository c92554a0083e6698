import { readUint, writeUint } from "../bytes/integer.ts"
import type { TextEncoding } from "../framing/formats/text.ts"
import { textCodec } from "../framing/textCodec.ts"
import { fail } from "./throwing.ts"
import type { Other, Ssl, Tlv } from "./tlvTypes.ts"

/** A record as it stands in the header. */
interface Record {
  readonly type: number
  readonly value: Uint8Array
}

// Section 2.2 of the specification.
const types = {
  Alpn: 0x01,
  Authority: 0x02,
  Crc32c: 0x03,
  Noop: 0x04,
  UniqueId: 0x05,
  Ssl: 0x20,
  NetworkNamespace: 0x30
} as const satisfies { readonly [tag in Exclude<Tlv["_tag"], "Other">]: number }

const sslTexts = [
  [0x21, "version", "ascii"],
  [0x22, "commonName", "utf-8"],
  [0x23, "cipher", "ascii"],
  [0x24, "signatureAlgorithm", "ascii"],
  [0x25, "keyAlgorithm", "ascii"],
  [0x26, "group", "ascii"],
  [0x27, "signatureScheme", "ascii"]
] as const satisfies ReadonlyArray<readonly [number, keyof Ssl, TextEncoding]>

const clientCertificate = 0x28

const flags = { ssl: 0x01, certificateOnConnection: 0x02, certificateInSession: 0x04 } as const

const longestUniqueId = 128

/** The bytes of a checksum. */
export const checksumSize = 4

const recordHeader = 3

// ---------------------------------------------------------------------------------------------------------------------
// Decoding
// ---------------------------------------------------------------------------------------------------------------------

const records = (bytes: Uint8Array): Array<Record> => {
  const found: Array<Record> = []
  let at = 0
  while (at < bytes.length) {
    const have = bytes.length - at
    const need = recordHeader + (have < recordHeader ? 0 : readUint(bytes, at + 1, 2, false))
    if (have < need) return fail({ _tag: "TruncatedTlv", have, need })
    found.push({ type: bytes[at]!, value: bytes.subarray(at + recordHeader, at + need) })
    at += need
  }
  return found
}

/** The records in these bytes; `verify` is given the place of the checksum, if there is one. */
export const decode = (bytes: Uint8Array, verify: (checksum: Uint8Array) => void): ReadonlyArray<Tlv> => {
  let verified = false
  return records(bytes).map((record): Tlv => {
    const { type, value } = record
    switch (type) {
      case types.Alpn:
        return { _tag: "Alpn", protocol: text(record, "latin1") }
      case types.Authority:
        return { _tag: "Authority", name: text(record, "utf-8") }
      case types.Crc32c:
        if (value.length !== checksumSize) return invalid(type, `a checksum has 4 bytes, and this one ${value.length}`)
        if (verified) return invalid(type, "there is a second one")
        verified = true
        verify(value)
        return { _tag: "Crc32c" }
      case types.Noop:
        return { _tag: "Noop", value: value.slice() }
      case types.UniqueId:
        return { _tag: "UniqueId", value: uniqueId(value) }
      case types.Ssl:
        return decodeSsl(record)
      case types.NetworkNamespace:
        return { _tag: "NetworkNamespace", name: text(record, "ascii") }
      default:
        return other(record)
    }
  })
}

const decodeSsl = ({ type, value }: Record): Ssl => {
  if (value.length < 5) return invalid(type, `it takes at least 5 bytes, and there are ${value.length}`)
  const client = value[0]!
  const named: { -readonly [key in keyof Ssl]?: Ssl[key] } = {}
  const others: Array<Other> = []
  const set = <K extends keyof Ssl>(record: Record, key: K, content: Ssl[K]): void => {
    if (key in named) return invalid(record.type, "there is a second one")
    named[key] = content
  }
  for (const record of records(value.subarray(5))) {
    const known = sslTexts.find(([type]) => type === record.type)
    if (known !== undefined) set(record, known[1], text(record, known[2]))
    else if (record.type === clientCertificate) set(record, "clientCertificate", record.value.slice())
    else others.push(other(record))
  }
  return {
    _tag: "Ssl",
    ssl: (client & flags.ssl) !== 0,
    certificateOnConnection: (client & flags.certificateOnConnection) !== 0,
    certificateInSession: (client & flags.certificateInSession) !== 0,
    verify: readUint(value, 1, 4, false),
    ...named,
    others
  }
}

const other = ({ type, value }: Record): Other => ({ _tag: "Other", type, value: value.slice() })

const text = ({ type, value }: Record, encoding: TextEncoding): string =>
  textCodec(encoding)!.decode(value) ?? invalid(type, `it is not valid ${encoding} text`)

const uniqueId = (value: Uint8Array): Uint8Array =>
  value.length > longestUniqueId
    ? invalid(types.UniqueId, `it has at most ${longestUniqueId} bytes, and this one ${value.length}`)
    : value.slice()

const invalid = (type: number, why: string): never => fail({ _tag: "InvalidTlv", type, why })

// ---------------------------------------------------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------------------------------------------------

/** The records, one behind the other, with room for the checksum; and where that is, or -1. */
export const encode = (tlvs: ReadonlyArray<Tlv>): { readonly bytes: Uint8Array; readonly checksumAt: number } => {
  let size = 0
  let checksumAt = -1
  const all = tlvs.map((tlv) => {
    const record = toRecord(tlv)
    if (tlv._tag === "Crc32c") {
      if (checksumAt !== -1) return invalid(types.Crc32c, "there is a second one")
      checksumAt = size + recordHeader
    }
    size += recordHeader + record.value.length
    return record
  })
  return { bytes: join(all), checksumAt }
}

const toRecord = (tlv: Tlv): Record => {
  switch (tlv._tag) {
    case "Alpn":
      return fromText(types.Alpn, tlv.protocol, "latin1")
    case "Authority":
      return fromText(types.Authority, tlv.name, "utf-8")
    case "Crc32c":
      return { type: types.Crc32c, value: new Uint8Array(checksumSize) }
    case "Noop":
      return { type: types.Noop, value: tlv.value }
    case "UniqueId":
      return { type: types.UniqueId, value: uniqueId(tlv.value) }
    case "Ssl":
      return encodeSsl(tlv)
    case "NetworkNamespace":
      return fromText(types.NetworkNamespace, tlv.name, "ascii")
    case "Other":
      return fromOther(tlv, Object.values(types))
  }
}

const encodeSsl = (ssl: Ssl): Record => {
  if (!Number.isInteger(ssl.verify) || ssl.verify < 0 || ssl.verify > 0xffffffff) {
    return invalid(types.Ssl, `verify is a whole number below 2^32, and not ${ssl.verify}`)
  }
  const nested: Array<Record> = []
  for (const [type, key, encoding] of sslTexts) {
    const content = ssl[key]
    if (content !== undefined) nested.push(fromText(type, content, encoding))
  }
  if (ssl.clientCertificate !== undefined) nested.push({ type: clientCertificate, value: ssl.clientCertificate })
  const named = [...sslTexts.map(([type]) => type), clientCertificate]
  for (const other of ssl.others) nested.push(fromOther(other, named))
  const inner = join(nested)
  const value = new Uint8Array(5 + inner.length)
  value[0] = (ssl.ssl ? flags.ssl : 0) |
    (ssl.certificateOnConnection ? flags.certificateOnConnection : 0) |
    (ssl.certificateInSession ? flags.certificateInSession : 0)
  writeUint(value, 1, ssl.verify, 4, false)
  value.set(inner, 5)
  return { type: types.Ssl, value }
}

const fromText = (type: number, content: string, encoding: TextEncoding): Record => ({
  type,
  value: textCodec(encoding)!.encode(content) ?? invalid(type, `it cannot be expressed in ${encoding}`)
})

const fromOther = ({ type, value }: Other, named: ReadonlyArray<number>): Record => {
  if (!Number.isInteger(type) || type < 0 || type > 0xff) {
    return fail({ _tag: "InvalidHeader", why: `a record has a type from 0 to 255, and not ${type}` })
  }
  return named.includes(type) ? invalid(type, "this type has a name of its own, and is not one of the others") : {
    type,
    value
  }
}

const longestValue = 0xffff

const join = (all: ReadonlyArray<Record>): Uint8Array => {
  const joined = new Uint8Array(all.reduce((size, { value }) => size + recordHeader + value.length, 0))
  let at = 0
  for (const { type, value } of all) {
    if (value.length > longestValue) return invalid(type, `it has ${value.length} bytes, and at most 65535 fit`)
    joined[at] = type
    writeUint(joined, at + 1, value.length, 2, false)
    joined.set(value, at + recordHeader)
    at += recordHeader + value.length
  }
  return joined
}
