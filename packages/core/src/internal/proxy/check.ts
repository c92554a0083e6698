import * as NetAddress from "effect/net/NetAddress"
import { familyOf, hasAddresses, type Header } from "./header.ts"
import { fail } from "./throwing.ts"

const versions = new Set([1, 2])
const commands = new Set(["PROXY", "LOCAL"])
const families = new Set(["UNSPEC", "INET", "INET6", "UNIX"])
const protocols = new Set(["UNSPEC", "STREAM", "DGRAM"])

/** Refuses a header that contradicts itself, or that its version cannot express. */
export const check = (header: Header): void => {
  const { addresses, command, family, protocol, tlvs, version } = header
  const refuse = (why: string) => fail({ _tag: "InvalidHeader", why })
  if (!versions.has(version)) refuse(`there is no version ${version}`)
  if (!commands.has(command)) refuse(`there is no command ${command}`)
  if (!families.has(family)) refuse(`there is no family ${family}`)
  if (!protocols.has(protocol)) refuse(`there is no transport protocol ${protocol}`)
  const unspecified = family === "UNSPEC" && protocol === "UNSPEC"
  if (command === "LOCAL" && !unspecified) refuse("LOCAL goes with the family UNSPEC and the protocol UNSPEC")
  if (version === 1) {
    if (command !== "PROXY") refuse("version 1 has no command but PROXY")
    if (tlvs.length > 0) refuse("version 1 has no room for records behind the addresses")
    if (!unspecified && (family === "UNIX" || family === "UNSPEC" || protocol !== "STREAM")) {
      refuse(`version 1 has TCP over IPv4 or IPv6, or nothing known, and not ${family} with ${protocol}`)
    }
  }
  if (addresses === undefined) {
    if (hasAddresses(header)) refuse(`${family} with ${protocol} goes with addresses`)
    if (tlvs.length > 0 && !unspecified) refuse(`no records can stand behind ${family} with ${protocol}`)
    return
  }
  if (!hasAddresses(header)) refuse(`${command} with ${family} and ${protocol} goes without addresses`)
  for (const end of ["source", "destination"] as const) {
    const address = addresses[end]
    if (familyOf(address) !== family) refuse(`the ${end} is no address of the family ${family}`)
    if (NetAddress.isInetAddressV6(address) && address.scopeId !== 0) {
      refuse(`the ${end} has a scope, which means something on its own machine only`)
    }
  }
}
