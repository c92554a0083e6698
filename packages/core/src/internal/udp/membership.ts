import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as NetworkError from "../../NetworkError.ts"
import { checked, reject } from "../../Options.ts"
import type * as UdpSocket from "../../UdpSocket.ts"
import { reaches } from "./family.ts"

/** Validates a membership for a socket bound to `local`. */
export const checkMembership = (
  { group, interface: at, source }: UdpSocket.Membership,
  local: NetAddress.InetAddress,
  ipv6Only: boolean,
  endpoint: string
): Result.Result<UdpSocket.Membership<NetAddress.IpAddress>, NetworkError.NetworkError> =>
  Result.flatMap(
    checked("join", endpoint, () => {
      const checkedGroup = ipAddress("group", group, "a multicast address, such as 239.1.2.3 or ff02::1234")
      if (!NetAddress.isMulticast(checkedGroup)) {
        reject("group", group, "a multicast address, such as 239.1.2.3 or ff02::1234")
      }
      return {
        group: checkedGroup,
        source: source === undefined ? undefined : ipAddress("source", source, "the IP address of a sender"),
        interface: at === undefined
          ? undefined
          : multicastInterface("interface", at, NetAddress.familyOf(checkedGroup))
      }
    }),
    (membership) => {
      const mismatched = [
        [NetAddress.familyOf(local), membership.group] as const,
        ...(membership.source === undefined
          ? []
          : [[NetAddress.familyOf(membership.group), membership.source] as const])
      ].find(([family, address]) =>
        !NetAddress.isFamily(address, family) &&
        (address !== membership.group || !reaches(local, ipv6Only, NetAddress.inetAddressUnsafe(address, 0)))
      )
      if (mismatched === undefined) return Result.succeed(membership)
      const [socket, address] = mismatched
      const reason = new NetworkError.AddressFamilyMismatch({ socket, address: NetAddress.formatIp(address) })
      return Result.fail(NetworkError.make("join", endpoint, reason))
    }
  )

const ipAddress = (option: string, input: NetAddress.IpAddressInput, expected: string): NetAddress.IpAddress => {
  const address = NetAddress.ipFromInput(input)
  return Result.isSuccess(address) ? NetAddress.toCanonical(address.success) : reject(option, input, expected)
}

/** The interface of a family, as text: an IPv4 address, or an IPv6 address with a zone. */
export const multicastInterface = (
  option: string,
  input: string | NetAddress.MulticastInterface,
  family: NetAddress.IpFamily
): string => {
  const text = typeof input === "string"
    ? input
    : typeof input === "number"
    ? `::%${input}`
    : NetAddress.formatIp(input)
  const isValid = family === "IPv4" ? Result.isSuccess(NetAddress.ipv4FromString(text)) : isIpv6WithZone(text)
  return isValid ? text : reject(
    option,
    input,
    family === "IPv4"
      ? "the IPv4 address of an interface, such as 192.168.1.2"
      : "an IPv6 address with the zone of an interface, such as ::%eth0"
  )
}

const isIpv6WithZone = (text: string): boolean => {
  const percent = text.indexOf("%")
  return Result.isSuccess(NetAddress.ipv6FromString(percent === -1 ? text : text.slice(0, percent))) &&
    (percent === -1 || /^[^\s%/]+$/.test(text.slice(percent + 1)))
}
