import * as NetAddress from "effect/net/NetAddress"
import * as Reason from "../ProxyProtocolError.ts"
import { familyOf, hasAddresses, type Header } from "./header.ts"
import { fail } from "./throwing.ts"

const versions = new Set([1, 2])
const commands = new Set(["PROXY", "LOCAL"])
const families = new Set(["UNSPEC", "INET", "INET6", "UNIX"])
const protocols = new Set(["UNSPEC", "STREAM", "DGRAM"])

/** Rejects a header that contradicts itself, or that its version cannot express. */
export const check = (header: Header): void => {
  const { addresses, command, family, protocol, tlvs, version } = header
  const refuse = (why: string) => fail(new Reason.InvalidHeader({ why }))
  if (!versions.has(version)) refuse(`version must be 1 or 2, not ${version}`)
  if (!commands.has(command)) refuse(`unknown command ${command}`)
  if (!families.has(family)) refuse(`unknown family ${family}`)
  if (!protocols.has(protocol)) refuse(`unknown transport protocol ${protocol}`)
  const unspecified = family === "UNSPEC" && protocol === "UNSPEC"
  if (command === "LOCAL" && !unspecified) refuse("LOCAL requires the family UNSPEC and the protocol UNSPEC")
  if (version === 1) {
    if (command !== "PROXY") refuse("version 1 has no command other than PROXY")
    if (tlvs.length > 0) refuse("version 1 cannot carry records")
    if (!unspecified && (family === "UNIX" || family === "UNSPEC" || protocol !== "STREAM")) {
      refuse(`version 1 carries TCP over IPv4 or IPv6, or UNKNOWN, not ${family} with ${protocol}`)
    }
  }
  if (addresses === undefined) {
    if (hasAddresses(header)) refuse(`${family} with ${protocol} requires addresses`)
    if (tlvs.length > 0 && !unspecified) refuse(`${family} with ${protocol} cannot carry records`)
    return
  }
  if (!hasAddresses(header)) refuse(`${command} with ${family} and ${protocol} cannot carry addresses`)
  for (const end of ["source", "destination"] as const) {
    const address = addresses[end]
    if (familyOf(address) !== family) refuse(`the ${end} is not an address of the family ${family}`)
    if (NetAddress.isInetAddressV6(address) && address.scopeId !== 0) {
      refuse(`the ${end} has a scope, which only its own machine can interpret`)
    }
  }
}
