/** Which targets clients may connect to: by network, and by the name that they asked for. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** A network, or a name that stands for itself and for all names below it. */
export type Rule =
  | { readonly _tag: "Network"; readonly network: IpNetwork.IpNetwork }
  | { readonly _tag: "Name"; readonly name: string }

export interface Rules {
  /** Only these targets, if there are any. */
  readonly allow: ReadonlyArray<Rule>
  /** Not these, even if they are allowed. */
  readonly deny: ReadonlyArray<Rule>
  /** Only addresses that are reachable on the Internet. */
  readonly isPublic: boolean
}

const fold = (name: string): string => name.toLowerCase().replace(/\.$/, "")

/** Parses `10.0.0.0/8`, `192.0.2.1`, `2001:db8::/32`, `example.org`, `.example.org` or `*.example.org`. */
export const parse = (text: string): Option.Option<Rule> => {
  const network = Result.orElse(
    IpNetwork.fromString(text),
    () => Result.map(NetAddress.ipFromString(text), (ip) => IpNetwork.makeUnsafe(ip, NetAddress.width(ip)))
  )
  if (Result.isSuccess(network)) {
    const { address } = network.success
    // Targets are compared as the IPv4 addresses that they map, so that such a rule would never apply.
    if (NetAddress.isIpv6Address(address) && NetAddress.isIpv4Mapped(address)) return Option.none()
    return Option.some({ _tag: "Network", network: network.success })
  }
  const name = fold(text.replace(/^(?:\*?\.)/, ""))
  return /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name) && !/^[\d.]+$/.test(name)
    ? Option.some({ _tag: "Name", name })
    : Option.none()
}

// What is assigned for use within a machine, a site or a document (RFC 6890 and its registries). Of IPv6, only the global
// unicast range is public, without the parts of it that embed IPv4 addresses.
const special = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20"
].map(IpNetwork.fromStringUnsafe)
const globalIpv6 = IpNetwork.fromStringUnsafe("2000::/3")

/** Whether an address is reachable on the Internet. */
export const isGlobal = (address: NetAddress.IpAddress): boolean =>
  (NetAddress.isIpv4Address(address) || IpNetwork.contains(globalIpv6, address)) &&
  !special.some((network) => IpNetwork.contains(network, address))

/** Whether a name, or one above it, is denied, whatever its addresses are. */
export const isDenied = ({ deny }: Rules, name: string): boolean => deny.some((rule) => isNamed(rule, name))

const isNamed = (rule: Rule, name: string): boolean =>
  rule._tag === "Name" && (fold(name) === rule.name || fold(name).endsWith(`.${rule.name}`))

/** Whether clients may connect to an address, for which they asked by a name or by itself. */
export const isAllowed = (
  { allow, deny, isPublic }: Rules,
  { address: given, name }: { readonly address: NetAddress.IpAddress; readonly name?: string | undefined }
): boolean => {
  // An IPv4 address that IPv6 maps is the same target.
  const address = NetAddress.isIpv6Address(given)
    ? Option.getOrElse(NetAddress.fromIpv4Mapped(given), () => given)
    : given
  const matches = (rule: Rule): boolean =>
    rule._tag === "Network" ? IpNetwork.contains(rule.network, address) : name !== undefined && isNamed(rule, name)
  // The unspecified address is this machine for a client (ip(7)), by a name that no rule has.
  if (NetAddress.isUnspecified(address) || (isPublic && !isGlobal(address))) return false
  return !deny.some(matches) && (allow.length === 0 || allow.some(matches))
}
