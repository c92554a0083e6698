import * as Checksum from "@sluice/framing/Checksum"
import * as TextEncoding from "@sluice/framing/TextEncoding"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Reason from "../ProxyProtocolError.ts"
import { readUint16, readUint32, writeUint16, writeUint32 } from "./bigEndian.ts"
import { type Addresses, type Family, hasAddresses, type Header, type Protocol } from "./header.ts"
import { fail } from "./throwing.ts"
import * as Tlv from "./tlv.ts"

/** The version 2 signature (section 2.2). */
const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const prefixSize = 16
const commands = ["LOCAL", "PROXY"] as const
const families = ["UNSPEC", "INET", "INET6", "UNIX"] as const
const protocols = ["UNSPEC", "STREAM", "DGRAM"] as const
const addressSizes: { readonly [family in Family]: number } = { UNSPEC: 0, INET: 4, INET6: 16, UNIX: 108 }

/** The size of the address block in bytes: both addresses, and both ports where the family has ports. */
const blockSize = (family: Family): number =>
  2 * addressSizes[family] + (family === "INET" || family === "INET6" ? 4 : 0)

/** The longest header that the length field can express, in bytes. */
export const maxSize = prefixSize + 0xffff

/** The size of the header in bytes, or `undefined` until it is known. Fails at the first invalid byte. */
export const measure = (bytes: Uint8Array, limit: number): number | undefined => {
  for (let i = 0; i < signature.length && i < bytes.length; i++) {
    if (bytes[i] !== signature[i]) return fail(new Reason.NotProxyHeader({ offset: i }))
  }
  if (bytes.length <= 12) return undefined
  const version = bytes[12]! >> 4
  if (version !== 2) return fail(new Reason.UnsupportedVersion({ version }))
  const command = commands[bytes[12]! & 15] ?? fail(new Reason.UnknownCommand({ command: bytes[12]! & 15 }))
  if (bytes.length <= 13) return undefined
  // Section 2.2: a receiver ignores the family of a LOCAL header and discards its address block.
  const block = command === "LOCAL" ? 0 : addressBlock(bytes[13]!)
  if (bytes.length < prefixSize) return undefined
  const length = readUint16(bytes, 14)
  if (prefixSize + length > limit) return fail(new Reason.HeaderTooLong({ limit, length: prefixSize + length }))
  if (length < block) return fail(new Reason.TruncatedAddresses({ have: length, need: block }))
  return prefixSize + length
}

const transport = (byte: number): readonly [Family, Protocol] => [
  families[byte >> 4] ?? fail(new Reason.UnknownFamily({ family: `0x${(byte >> 4).toString(16)}` })),
  protocols[byte & 15] ?? fail(new Reason.UnknownProtocol({ protocol: byte & 15 }))
]

const addressBlock = (byte: number): number => {
  const [family, protocol] = transport(byte)
  return protocol === "UNSPEC" ? 0 : blockSize(family)
}

/** Decodes a complete header. */
export const decode = (bytes: Uint8Array): Header => {
  const command = commands[bytes[12]! & 15]!
  const [family, protocol] = command === "LOCAL" ? ["UNSPEC", "UNSPEC"] as const : transport(bytes[13]!)
  const addressed = hasAddresses({ command, family, protocol })
  // The position of the records is defined for known families and protocols, and where neither is specified.
  const recordsAt = addressed ? prefixSize + blockSize(family) : bytes[13] === 0 ? prefixSize : bytes.length
  const decodeTlvs = command === "LOCAL" ? Tlv.decodeOrDiscard : Tlv.decode
  return {
    version: 2,
    command,
    family,
    protocol,
    addresses: addressed ? decodeAddresses(bytes.subarray(prefixSize), family) : undefined,
    tlvs: decodeTlvs(bytes.subarray(recordsAt), (checksum) => verify(bytes, checksum))
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
  const port = (index: number) => readUint16(block, 2 * size + 2 * index)
  return {
    source: NetAddress.inetAddressUnsafe(fromBytes(source), port(0)),
    destination: NetAddress.inetAddressUnsafe(fromBytes(destination), port(1))
  }
}

// A path ends at the first zero byte. An abstract name (unix(7)) begins with one, and ends before the trailing ones.
const readPath = (end: "source" | "destination", field: Uint8Array): NetAddress.UnixPathAddress => {
  const used = field.findLastIndex((byte) => byte !== 0) + 1
  const zero = field.indexOf(0)
  const bytes = field.subarray(0, zero <= 0 ? used : zero)
  const path = Option.getOrUndefined(TextEncoding.decode("utf-8", bytes))
  return path === undefined
    ? fail(new Reason.InvalidAddress({ end, value: "(a path)", why: "it is not valid UTF-8" }))
    : NetAddress.unixPathAddress(path)
}

/** Encodes a checked header. */
export const encode = (header: Header): Uint8Array => {
  const { addresses, command, family, protocol } = header
  const block = addresses === undefined ? 0 : blockSize(family)
  const tlvs = Tlv.encode(header.tlvs)
  const length = block + tlvs.bytes.length
  if (prefixSize + length > maxSize) {
    return fail(new Reason.HeaderTooLong({ limit: maxSize, length: prefixSize + length }))
  }
  const bytes = new Uint8Array(prefixSize + length)
  bytes.set(signature)
  bytes[12] = 0x20 | commands.indexOf(command)
  bytes[13] = families.indexOf(family) << 4 | protocols.indexOf(protocol)
  writeUint16(bytes, 14, length)
  if (addresses !== undefined) encodeAddresses(bytes.subarray(prefixSize), addresses, family)
  bytes.set(tlvs.bytes, prefixSize + block)
  if (tlvs.checksumAt !== -1) writeUint32(bytes, prefixSize + block + tlvs.checksumAt, Checksum.crc32c(bytes))
  return bytes
}

const encodeAddresses = (block: Uint8Array, { destination, source }: Addresses, family: Family): void => {
  const size = addressSizes[family]
  for (const [index, address] of [source, destination].entries()) {
    if (NetAddress.isUnixPathAddress(address)) {
      block.set(pathBytes(index === 0 ? "source" : "destination", address.path), index * size)
    } else {
      block.set(ipBytes(address.address), index * size)
      writeUint16(block, 2 * size + 2 * index, address.port)
    }
  }
}

const ipBytes = (address: NetAddress.IpAddress): ReadonlyArray<number> =>
  NetAddress.isIpv4Address(address) ? NetAddress.ipv4ToOctets(address) : NetAddress.ipv6ToOctets(address)

const pathBytes = (end: "source" | "destination", path: string): Uint8Array => {
  const refuse = (why: string) => fail(new Reason.InvalidAddress({ end, value: JSON.stringify(path), why }))
  const bytes = Option.getOrUndefined(TextEncoding.encode("utf-8", path)) ?? refuse("it is not valid Unicode")
  if (bytes.length > addressSizes.UNIX) return refuse(`it is ${bytes.length} bytes long, limit ${addressSizes.UNIX}`)
  if (bytes[0] !== 0 ? bytes.includes(0) : bytes.at(-1) === 0) {
    return refuse("it contains a zero byte that decoding would drop")
  }
  return bytes
}

/** Verifies the checksum, which covers the header with zeros in its place (section 2.2.3). */
const verify = (bytes: Uint8Array, checksum: Uint8Array): void => {
  const carried = readUint32(checksum, 0)
  const zeroed = bytes.slice()
  zeroed.fill(0, checksum.byteOffset - bytes.byteOffset, checksum.byteOffset - bytes.byteOffset + Tlv.checksumSize)
  const computed = Checksum.crc32c(zeroed)
  if (carried !== computed) fail(new Reason.ChecksumMismatch({ carried, computed }))
}
