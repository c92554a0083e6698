import * as NetAddress from "effect/net/NetAddress"
import type * as Trace from "../../../Trace.ts"
import { windowScale } from "../../kernel/tcp/settings.ts"
import { formatFate } from "./format.ts"

/**
 * A capture file in the pcapng format (draft-ietf-opsawg-pcapng): one interface, on which everything is seen as it is
 * sent. Packets that do not arrive have a comment that says why.
 */
export const toPcapng = (trace: Trace.Trace): Uint8Array => {
  const macs = new Map(trace.hosts.map((host, index) => [host, macOf(index + 1)]))
  const unknown = macOf(0)
  const blocks: Array<Uint8Array> = [sectionHeader, interfaceDescription]
  for (const record of trace.records) {
    if (record._tag !== "Segment" && record._tag !== "Datagram") continue
    const frame = ethernet(
      macs.get(record.from) ?? unknown,
      macs.get(record.to) ?? unknown,
      record.source.address.includes(":"),
      ip(record, record._tag === "Segment" ? tcp(record) : udp(record))
    )
    const fate = formatFate(record)
    const comment = `${record.from} to ${record.to || "nowhere"}${record.duplicate ? ", duplicate" : ""}${
      fate && `: ${fate}`
    }`
    blocks.push(enhancedPacket(record.at, frame, comment))
  }
  return concat(blocks)
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks
// ---------------------------------------------------------------------------------------------------------------------

const encoder = new TextEncoder()

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

const padded = (bytes: Uint8Array): Uint8Array => {
  const all = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  all.set(bytes)
  return all
}

const little = (...words: ReadonlyArray<number>): Uint8Array => {
  const bytes = new Uint8Array(words.length * 4)
  const view = new DataView(bytes.buffer)
  words.forEach((word, index) => view.setUint32(index * 4, word, true))
  return bytes
}

const block = (type: number, ...body: ReadonlyArray<Uint8Array>): Uint8Array => {
  const length = 12 + body.reduce((total, part) => total + part.length, 0)
  return concat([little(type, length), ...body, little(length)])
}

const option = (code: number, value: Uint8Array): Uint8Array =>
  concat([little(code | value.length << 16), padded(value)])

const endOfOptions = little(0)

// Version 1.0, and a section whose length is not said.
const sectionHeader = block(0x0a0d0d0a, little(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff))
// Ethernet, frames of any length, times in microseconds.
const interfaceDescription = block(
  1,
  little(1, 0),
  option(2, encoder.encode("simulation")),
  option(9, new Uint8Array([6])),
  endOfOptions
)

const enhancedPacket = (at: number, frame: Uint8Array, comment: string): Uint8Array =>
  block(
    6,
    little(0, Math.floor(at / 4294967296), at % 4294967296, frame.length, frame.length),
    padded(frame),
    option(1, encoder.encode(comment)),
    endOfOptions
  )

// ---------------------------------------------------------------------------------------------------------------------
// Headers
// ---------------------------------------------------------------------------------------------------------------------

// Locally administered.
const macOf = (number: number): Uint8Array =>
  new Uint8Array([2, 0, 0, number >> 16 & 255, number >> 8 & 255, number & 255])

const ethernet = (from: Uint8Array, to: Uint8Array, isIpv6: boolean, packet: Uint8Array): Uint8Array =>
  concat([to, from, new Uint8Array(isIpv6 ? [0x86, 0xdd] : [0x08, 0x00]), packet])

const octets = (address: string): Uint8Array => {
  const parsed = NetAddress.ipFromStringUnsafe(address)
  return NetAddress.isIpv4Address(parsed)
    ? new Uint8Array(NetAddress.ipv4ToOctets(parsed))
    : new Uint8Array(NetAddress.ipv6ToOctets(parsed))
}

const big = (...fields: ReadonlyArray<readonly [bytes: 1 | 2 | 4, value: number]>): Uint8Array => {
  const bytes = new Uint8Array(fields.reduce((total, [size]) => total + size, 0))
  let offset = 0
  for (const [size, value] of fields) {
    for (let index = 0; index < size; index++) bytes[offset + index] = value / 2 ** (8 * (size - 1 - index)) & 255
    offset += size
  }
  return bytes
}

/** The Internet checksum (RFC 1071). */
const checksum = (...parts: ReadonlyArray<Uint8Array>): number => {
  let sum = 0
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 2) sum += (part[index]! << 8) + (part[index + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

const ip = (packet: Trace.Packet & { readonly _tag: string }, content: Uint8Array): Uint8Array => {
  const source = octets(packet.source.address)
  const destination = octets(packet.destination.address)
  const protocol = packet._tag === "Segment" ? 6 : 17
  const pseudo = concat([source, destination, big([4, content.length], [4, protocol])])
  const at = protocol === 6 ? 16 : 6
  const sum = checksum(pseudo, content)
  // For UDP, zero would say that there is none.
  content.set(big([2, protocol === 17 && sum === 0 ? 0xffff : sum]), at)
  if (source.length === 16) {
    return concat([big([4, 0x60000000], [2, content.length], [1, protocol], [1, 64]), source, destination, content])
  }
  const header = concat([
    big([2, 0x4500], [2, 20 + content.length], [2, 0], [2, protocol === 6 ? 0x4000 : 0], [1, 64], [1, protocol], [
      2,
      0
    ]),
    source,
    destination
  ])
  header.set(big([2, checksum(header)]), 10)
  return concat([header, content])
}

const tcp = (segment: Trace.Segment): Uint8Array => {
  const options = tcpOptions(segment)
  const isSyn = (segment.flags & 2) !== 0
  const window = isSyn ? segment.window : segment.window >> windowScale
  return concat([
    big(
      [2, segment.source.port],
      [2, segment.destination.port],
      [4, (segment.sequenceBase + segment.sequence) % 2 ** 32],
      [4, segment.flags & 16 ? (segment.acknowledgmentBase + segment.acknowledgment) % 2 ** 32 : 0],
      [1, (5 + options.length / 4) << 4],
      [1, segment.flags],
      [2, Math.min(window, 65535)],
      [2, 0],
      [2, 0]
    ),
    options,
    segment.payload
  ])
}

const tcpOptions = (segment: Trace.Segment): Uint8Array => {
  if (segment.flags & 2) {
    // Maximum segment size, selective acknowledgments, window scale.
    return big(
      [1, 2],
      [1, 4],
      [2, segment.maximumSegmentSize ?? 536],
      [1, 4],
      [1, 2],
      [1, 1],
      [1, 3],
      [1, 3],
      [1, windowScale],
      [1, 0],
      [1, 0]
    )
  }
  if (segment.sack.length === 0) return new Uint8Array(0)
  const edge = (number: number): readonly [4, number] => [4, (segment.acknowledgmentBase + number) % 2 ** 32]
  return big(
    [1, 1],
    [1, 1],
    [1, 5],
    [1, 2 + 8 * segment.sack.length],
    ...segment.sack.flatMap(([start, end]) => [edge(start), edge(end)])
  )
}

const udp = (datagram: Trace.Datagram): Uint8Array =>
  concat([
    big([2, datagram.source.port], [2, datagram.destination.port], [2, 8 + datagram.payload.length], [2, 0]),
    datagram.payload
  ])
