import * as TextEncoding from "@sluice/framing/TextEncoding"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Reason from "../ProxyProtocolError.ts"
import { readUint16, readUint32, writeUint16, writeUint32 } from "./bigEndian.ts"
import { attempt, fail } from "./throwing.ts"
import type { Other, Ssl, Tlv } from "./tlvTypes.ts"

/** An encoded record. */
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

const commonName = 0x22
const clientCertificate = 0x28

const sslTexts = [
  [0x21, "version", "ascii"],
  [commonName, "commonName", "utf-8"],
  [0x23, "cipher", "ascii"],
  [0x24, "signatureAlgorithm", "ascii"],
  [0x25, "keyAlgorithm", "ascii"],
  [0x26, "group", "ascii"],
  [0x27, "signatureScheme", "ascii"]
] as const satisfies ReadonlyArray<readonly [number, keyof Ssl, TextEncoding.TextEncoding]>

const flags = { ssl: 0x01, certificateOnConnection: 0x02, certificateInSession: 0x04 } as const

const longestUniqueId = 128

/** The size of a checksum in bytes. */
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
    const need = recordHeader + (have < recordHeader ? 0 : readUint16(bytes, at + 1))
    if (have < need) return fail(new Reason.TruncatedTlv({ have, need }))
    found.push({ type: bytes[at]!, value: bytes.subarray(at + recordHeader, at + need) })
    at += need
  }
  return found
}

/** Decodes records. Calls `verify` with the bytes of the checksum, if there is one. */
export const decode = (bytes: Uint8Array, verify: (checksum: Uint8Array) => void): ReadonlyArray<Tlv> => {
  let verified = false
  return records(bytes).map((record): Tlv => {
    const { type, value } = record
    switch (type) {
      case types.Alpn:
        return { _tag: "Alpn", protocol: text(record, "latin1") }
      case types.Authority:
        return ifUtf8(record, (name) => ({ _tag: "Authority", name }))
      case types.Crc32c:
        if (value.length !== checksumSize) return invalid(type, `a checksum is 4 bytes long, not ${value.length}`)
        if (verified) return invalid(type, "it occurs twice")
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

/**
 * Decodes the records of a LOCAL header. Receivers discard its block (section 2.2), so a block that is not made of valid
 * records counts as empty. A checksum that does not match is still an error: the header itself is corrupt.
 */
export const decodeOrDiscard: typeof decode = (bytes, verify) =>
  Result.getOrElse(attempt(() => decode(bytes, verify)), (error) => {
    if (error.reason._tag === "ChecksumMismatch") throw error
    return []
  })

const decodeSsl = ({ type, value }: Record): Ssl => {
  if (value.length < 5) return invalid(type, `it is at least 5 bytes long, not ${value.length}`)
  const client = value[0]!
  const named: { -readonly [key in keyof Ssl]?: Ssl[key] } = {}
  const others: Array<Other> = []
  const seen = new Set<number>()
  for (const record of records(value.subarray(5))) {
    const known = sslTexts.find(([type]) => type === record.type)
    if (known === undefined && record.type !== clientCertificate) {
      others.push(other(record))
      continue
    }
    if (seen.has(record.type)) return invalid(record.type, "it occurs twice")
    seen.add(record.type)
    if (known === undefined) named.clientCertificate = record.value.slice()
    else if (known[2] === "utf-8" && !isUtf8(record.value)) others.push(other(record))
    else named[known[1]] = text(record, known[2])
  }
  return {
    _tag: "Ssl",
    ssl: (client & flags.ssl) !== 0,
    certificateOnConnection: (client & flags.certificateOnConnection) !== 0,
    certificateInSession: (client & flags.certificateInSession) !== 0,
    verify: readUint32(value, 1),
    ...named,
    others
  }
}

const other = ({ type, value }: Record): Other => ({ _tag: "Other", type, value: value.slice() })

const text = ({ type, value }: Record, encoding: TextEncoding.TextEncoding): string =>
  Option.getOrUndefined(TextEncoding.decode(encoding, value)) ?? invalid(type, `it is not valid ${encoding} text`)

const isUtf8 = (value: Uint8Array): boolean => Option.isSome(TextEncoding.decode("utf-8", value))

// The client chooses a host name and a common name, and proxies pass them on as they are: invalid text must not break the
// connection.
const ifUtf8 = (record: Record, make: (text: string) => Tlv): Tlv =>
  isUtf8(record.value) ? make(text(record, "utf-8")) : other(record)

const uniqueId = (value: Uint8Array): Uint8Array =>
  value.length > longestUniqueId
    ? invalid(types.UniqueId, `it is ${value.length} bytes long, limit ${longestUniqueId}`)
    : value.slice()

const invalid = (type: number, why: string): never => fail(new Reason.InvalidTlv({ type, why }))

// ---------------------------------------------------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------------------------------------------------

/** Encodes records with zeros for the checksum; `checksumAt` is its offset, or -1. */
export const encode = (tlvs: ReadonlyArray<Tlv>): { readonly bytes: Uint8Array; readonly checksumAt: number } => {
  let size = 0
  let checksumAt = -1
  const all = tlvs.map((tlv) => {
    const record = toRecord(tlv)
    if (tlv._tag === "Crc32c") {
      if (checksumAt !== -1) return invalid(types.Crc32c, "it occurs twice")
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
      return fromOther(tlv, Object.values(types), types.Authority)
  }
}

const encodeSsl = (ssl: Ssl): Record => {
  if (!Number.isInteger(ssl.verify) || ssl.verify < 0 || ssl.verify > 0xffffffff) {
    return invalid(types.Ssl, `verify must be an integer from 0 to 2^32 - 1, not ${ssl.verify}`)
  }
  const nested: Array<Record> = []
  for (const [type, key, encoding] of sslTexts) {
    const content = ssl[key]
    if (content !== undefined) nested.push(fromText(type, content, encoding))
  }
  if (ssl.clientCertificate !== undefined) nested.push({ type: clientCertificate, value: ssl.clientCertificate })
  const named = [...sslTexts.map(([type]) => type), clientCertificate]
  for (const other of ssl.others) {
    if (other.type === commonName && nested.some(({ type }) => type === commonName)) {
      return invalid(commonName, "it occurs twice")
    }
    nested.push(fromOther(other, named, commonName))
  }
  const inner = join(nested)
  const value = new Uint8Array(5 + inner.length)
  value[0] = (ssl.ssl ? flags.ssl : 0) |
    (ssl.certificateOnConnection ? flags.certificateOnConnection : 0) |
    (ssl.certificateInSession ? flags.certificateInSession : 0)
  writeUint32(value, 1, ssl.verify)
  value.set(inner, 5)
  return { type: types.Ssl, value }
}

const fromText = (type: number, content: string, encoding: TextEncoding.TextEncoding): Record => ({
  type,
  value: Option.getOrUndefined(TextEncoding.encode(encoding, content)) ??
    invalid(type, `it is not valid ${encoding} text`)
})

/** `utf8` is the named type that is an `Other` where its value is not UTF-8, as in decoding. */
const fromOther = ({ type, value }: Other, named: ReadonlyArray<number>, utf8: number): Record => {
  if (!Number.isInteger(type) || type < 0 || type > 0xff) {
    return fail(new Reason.InvalidHeader({ why: `a record type must be an integer from 0 to 255, not ${type}` }))
  }
  return named.includes(type) && !(type === utf8 && !isUtf8(value))
    ? invalid(type, "this type has a name of its own, and is not one of the others")
    : { type, value }
}

const longestValue = 0xffff

const join = (all: ReadonlyArray<Record>): Uint8Array => {
  const joined = new Uint8Array(all.reduce((size, { value }) => size + recordHeader + value.length, 0))
  let at = 0
  for (const { type, value } of all) {
    if (value.length > longestValue) return invalid(type, `it is ${value.length} bytes long, limit ${longestValue}`)
    joined[at] = type
    writeUint16(joined, at + 1, value.length)
    joined.set(value, at + recordHeader)
    at += recordHeader + value.length
  }
  return joined
}
