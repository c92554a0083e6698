import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Reason from "../ProxyProtocolError.ts"
import type { Addresses, Header } from "./header.ts"
import { fail } from "./throwing.ts"

/** The longest version 1 line in bytes, CRLF included (section 2.1). */
export const maxLine = 107

const signature = ascii("PROXY ")
const unknownLine = ascii("PROXY UNKNOWN ")
const cr = 0x0d
const lf = 0x0a

/** The size of the line in bytes, CRLF included, or `undefined` until it is known. */
export const measure = (bytes: Uint8Array, limit: number): number | undefined => {
  for (let i = 0; i < signature.length && i < bytes.length; i++) {
    if (bytes[i] !== signature[i]) return fail(new Reason.NotProxyHeader({ offset: i }))
  }
  const longest = Math.min(maxLine, limit)
  // After UNKNOWN everything up to the CRLF is ignored.
  const anything = unknownLine.every((byte, index) => bytes[index] === byte)
  for (let i = signature.length; i < longest && i < bytes.length; i++) {
    if (bytes[i] === lf && !anything) return fail(new Reason.InvalidLine({ why: "LF without CR" }))
    if (bytes[i] !== cr || i + 1 === longest) continue
    if (i + 1 === bytes.length) return undefined
    if (bytes[i + 1] === lf) return i + 2
    if (!anything) return fail(new Reason.InvalidLine({ why: "CR without LF" }))
  }
  return bytes.length < longest ? undefined : fail(new Reason.HeaderTooLong({ limit: longest, length: longest + 1 }))
}

/** Decodes a complete line. */
export const decode = (line: Uint8Array): Header => {
  const text = String.fromCharCode(...line.subarray(0, line.length - 2))
  const [, family, source, destination, sourcePort, destinationPort, ...rest] = text.split(" ")
  if (family === "UNKNOWN") return unknown
  if (family !== "TCP4" && family !== "TCP6") return fail(new Reason.UnknownFamily({ family: JSON.stringify(family) }))
  if (destinationPort === undefined || rest.length > 0) {
    const why = "expected two addresses and two ports after the family, separated by single spaces"
    return fail(new Reason.InvalidLine({ why }))
  }
  return {
    ...unknown,
    family: family === "TCP4" ? "INET" : "INET6",
    protocol: "STREAM",
    addresses: {
      source: parseEnd("source", family, source!, sourcePort!),
      destination: parseEnd("destination", family, destination!, destinationPort)
    }
  }
}

const unknown: Header = {
  version: 1,
  command: "PROXY",
  family: "UNSPEC",
  protocol: "UNSPEC",
  addresses: undefined,
  tlvs: []
}

const parseEnd = (
  end: "source" | "destination",
  family: "TCP4" | "TCP6",
  text: string,
  portText: string
): NetAddress.InetAddress => {
  const parsed: Result.Result<NetAddress.IpAddress, NetAddress.NetAddressError> = family === "TCP4"
    ? NetAddress.ipv4FromString(text)
    : NetAddress.ipv6FromString(text)
  if (Result.isFailure(parsed)) {
    return fail(new Reason.InvalidAddress({ end, value: JSON.stringify(text), why: parsed.failure.message }))
  }
  const port = /^(?:0|[1-9][0-9]{0,4})$/.test(portText) ? Number(portText) : Infinity
  return port > 65535
    ? fail(new Reason.InvalidPort({ end, value: JSON.stringify(portText) }))
    : NetAddress.inetAddressUnsafe(parsed.success, port)
}

/** Encodes a checked header. */
export const encode = ({ addresses, family }: Header): Uint8Array => {
  if (addresses === undefined) return ascii("PROXY UNKNOWN\r\n")
  const { destination, source } = addresses as Addresses & Record<keyof Addresses, NetAddress.InetAddress>
  const ips = `${formatIp(source.address)} ${formatIp(destination.address)}`
  return ascii(`PROXY ${family === "INET" ? "TCP4" : "TCP6"} ${ips} ${source.port} ${destination.port}\r\n`)
}

// The specification allows hexadecimal digits only, not the dotted form in which mapped addresses are usually written.
const formatIp = (address: NetAddress.IpAddress): string =>
  NetAddress.isIpv6Address(address) && NetAddress.isIpv4Mapped(address)
    ? `::ffff:${NetAddress.ipv6ToSegments(address).slice(6).map((segment) => segment.toString(16)).join(":")}`
    : NetAddress.formatIp(address)

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
