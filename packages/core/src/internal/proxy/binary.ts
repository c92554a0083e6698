import * as NetAddress from "effect/net/NetAddress"
import { checksumOf } from "../bytes/checksum.ts"
import { readUint, writeUint } from "../bytes/integer.ts"
import { textCodec } from "../framing/textCodec.ts"
import { type Addresses, type Family, hasAddresses, type Header, type Protocol } from "./header.ts"
import { fail } from "./throwing.ts"
import * as Tlv from "./tlv.ts"

/** What distinguishes version 2 from all else (section 2.2). */
const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const prefixSize = 16
const commands = ["LOCAL", "PROXY"] as const
const families = ["UNSPEC", "INET", "INET6", "UNIX"] as const
const protocols = ["UNSPEC", "STREAM", "DGRAM"] as const
const addressSizes: { readonly [family in Family]: number } = { UNSPEC: 0, INET: 4, INET6: 16, UNIX: 108 }

/** The bytes of both addresses, and of both ports where there are ports. */
const blockSize = (family: Family): number =>
  2 * addressSizes[family] + (family === "INET" || family === "INET6" ? 4 : 0)

/** The longest header that the length field can announce. */
export const maxSize = prefixSize + 0xffff

/** How many bytes the header has, once that is known. What is wrong in its first bytes is told as soon as they are there. */
export const measure = (bytes: Uint8Array, limit: number): number | undefined => {
  for (let i = 0; i < signature.length && i < bytes.length; i++) {
    if (bytes[i] !== signature[i]) return fail({ _tag: "NotProxyHeader", offset: i })
  }
  if (bytes.length <= 12) return undefined
  const version = bytes[12]! >> 4
  if (version !== 2) return fail({ _tag: "UnsupportedVersion", version })
  const command = commands[bytes[12]! & 15] ?? fail({ _tag: "UnknownCommand", command: bytes[12]! & 15 })
  if (bytes.length <= 13) return undefined
  // What a LOCAL header says of addresses is ignored, whatever it is.
  const block = command === "LOCAL" ? 0 : addressBlock(bytes[13]!)
  if (bytes.length < prefixSize) return undefined
  const length = readUint(bytes, 14, 2, false)
  if (prefixSize + length > limit) return fail({ _tag: "HeaderTooLong", limit, length: prefixSize + length })
  if (length < block) return fail({ _tag: "TruncatedAddresses", have: length, need: block })
  return prefixSize + length
}

const transport = (byte: number): readonly [Family, Protocol] => [
  families[byte >> 4] ?? fail({ _tag: "UnknownFamily", family: `0x${(byte >> 4).toString(16)}` }),
  protocols[byte & 15] ?? fail({ _tag: "UnknownProtocol", protocol: byte & 15 })
]

const addressBlock = (byte: number): number => {
  const [family, protocol] = transport(byte)
  return protocol === "UNSPEC" ? 0 : blockSize(family)
}

/** The header in these bytes, which are all of it. */
export const decode = (bytes: Uint8Array): Header => {
  const command = commands[bytes[12]! & 15]!
  const [family, protocol] = command === "LOCAL" ? ["UNSPEC", "UNSPEC"] as const : transport(bytes[13]!)
  const addressed = hasAddresses({ command, family, protocol })
  // Where the records begin is said only of families and protocols that are specified, and where both are not.
  const recordsAt = addressed ? prefixSize + blockSize(family) : bytes[13] === 0 ? prefixSize : bytes.length
  return {
    version: 2,
    command,
    family,
    protocol,
    addresses: addressed ? decodeAddresses(bytes.subarray(prefixSize), family) : undefined,
    tlvs: Tlv.decode(bytes.subarray(recordsAt), (checksum) => verify(bytes, checksum))
  }
}

const decodeAddresses = (block: Uint8Array, family: Family): Addresses => {
  const size = addressSizes[family]
  const source = block.subarray(0, size)
  const destination = block.subarray(size, 2 * size)
  if (family === "UNIX") {
    return { source: readPath("source", source), destination: readPath("destination", destination) }
  }
  const fromBytes = family === "INET" ? NetAddress.ipv4FromBytesUnsafe : NetAddress.ipv6FromBytesUnsafe
  const port = (index: number) => readUint(block, 2 * size + 2 * index, 2, false)
  return {
    source: NetAddress.inetAddressUnsafe(fromBytes(source), port(0)),
    destination: NetAddress.inetAddressUnsafe(fromBytes(destination), port(1))
  }
}

// A path ends at the first zero. One that begins with a zero is an abstract name (unix(7)), and ends before the last zeros.
const readPath = (end: "source" | "destination", field: Uint8Array): NetAddress.UnixPathAddress => {
  const used = field.findLastIndex((byte) => byte !== 0) + 1
  const zero = field.indexOf(0)
  const bytes = field.subarray(0, zero <= 0 ? used : zero)
  const path = textCodec("utf-8")!.decode(bytes)
  return path === undefined
    ? fail({ _tag: "InvalidAddress", end, value: "(a path)", why: "it is not valid UTF-8" })
    : NetAddress.unixPathAddress(path)
}

/** The bytes of a header that has been checked. */
export const encode = (header: Header): Uint8Array => {
  const { addresses, command, family, protocol } = header
  const block = addresses === undefined ? 0 : blockSize(family)
  const tlvs = Tlv.encode(header.tlvs)
  const length = block + tlvs.bytes.length
  if (prefixSize + length > maxSize) {
    return fail({ _tag: "HeaderTooLong", limit: maxSize, length: prefixSize + length })
  }
  const bytes = new Uint8Array(prefixSize + length)
  bytes.set(signature)
  bytes[12] = 0x20 | commands.indexOf(command)
  bytes[13] = families.indexOf(family) << 4 | protocols.indexOf(protocol)
  writeUint(bytes, 14, length, 2, false)
  if (addresses !== undefined) encodeAddresses(bytes.subarray(prefixSize), addresses, family)
  bytes.set(tlvs.bytes, prefixSize + block)
  if (tlvs.checksumAt !== -1) writeUint(bytes, prefixSize + block + tlvs.checksumAt, crc32c(bytes), 4, false)
  return bytes
}

const encodeAddresses = (block: Uint8Array, { destination, source }: Addresses, family: Family): void => {
  const size = addressSizes[family]
  for (const [index, address] of [source, destination].entries()) {
    if (NetAddress.isUnixPathAddress(address)) {
      block.set(pathBytes(index === 0 ? "source" : "destination", address.path), index * size)
    } else {
      block.set(ipBytes(address.address), index * size)
      writeUint(block, 2 * size + 2 * index, address.port, 2, false)
    }
  }
}

const ipBytes = (address: NetAddress.IpAddress): ReadonlyArray<number> =>
  NetAddress.isIpv4Address(address) ? NetAddress.ipv4ToOctets(address) : NetAddress.ipv6ToOctets(address)

const pathBytes = (end: "source" | "destination", path: string): Uint8Array => {
  const refuse = (why: string) => fail({ _tag: "InvalidAddress", end, value: JSON.stringify(path), why })
  const bytes = textCodec("utf-8")!.encode(path) ?? refuse("it cannot be expressed in UTF-8")
  if (bytes.length > addressSizes.UNIX) return refuse(`it has ${bytes.length} bytes, and at most 108 fit`)
  if (bytes[0] !== 0 ? bytes.includes(0) : bytes.at(-1) === 0) return refuse("it has a zero where none can be told")
  return bytes
}

let crc: ((bytes: Uint8Array) => number) | undefined

// The tables are made when the first checksum is.
const crc32c = (bytes: Uint8Array): number => (crc ??= checksumOf("crc32c")!)(bytes)

/** Checks the checksum, which is computed over the header with zeros in its place (section 2.2.3). */
const verify = (bytes: Uint8Array, checksum: Uint8Array): void => {
  const carried = readUint(checksum, 0, 4, false)
  const zeroed = bytes.slice()
  zeroed.fill(0, checksum.byteOffset - bytes.byteOffset, checksum.byteOffset - bytes.byteOffset + Tlv.checksumSize)
  const computed = crc32c(zeroed)
  if (carried !== computed) fail({ _tag: "ChecksumMismatch", carried, computed })
}
