import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Header } from "../../proxy/Header.ts"
import * as ProxyProtocol from "../../ProxyProtocol.ts"
import type * as SocketOptions from "../../SocketOptions.ts"
import { canonical } from "../address.ts"
import { duration, optionalInteger, reject } from "../options.ts"

/** Checks from whom headers are taken. */
export const checkTrust = (
  options: SocketOptions.ProxyProtocolOptions | undefined
): SocketOptions.ProxyTrust | undefined => {
  if (options === undefined) return undefined
  if (!Array.isArray(options.trusted) || options.trusted.length === 0) {
    reject("proxyProtocol.trusted", options.trusted, "a list of at least one network, or \"unix\"")
  }
  return {
    isTrusted: trust(options.trusted),
    timeout: duration("proxyProtocol.timeout", options.timeout ?? 5_000, 1),
    limit: optionalInteger("proxyProtocol.limit", options.limit, 107, ProxyProtocol.maxLimit) ??
      ProxyProtocol.defaultLimit
  }
}

const trust = (
  trusted: SocketOptions.ProxyProtocolOptions["trusted"]
): (address: NetAddress.SocketAddress) => boolean => {
  const unix = trusted.includes("unix")
  const networks = trusted.filter((each) => each !== "unix").map((each) => network(each))
  return (address) => {
    const peer = canonical(address)
    return NetAddress.isUnixPathAddress(peer)
      ? unix
      : networks.some((each) => IpNetwork.contains(each, peer.address))
  }
}

const network = (input: IpNetwork.IpNetworkInput | NetAddress.IpAddressInput): IpNetwork.IpNetwork => {
  const parsed = Result.orElse(
    IpNetwork.fromInput(input as IpNetwork.IpNetworkInput),
    () =>
      Result.map(
        NetAddress.ipFromInput(input as NetAddress.IpAddressInput),
        (address) => IpNetwork.makeUnsafe(address, NetAddress.width(address))
      )
  )
  return Result.isSuccess(parsed)
    ? unmapped(parsed.success)
    : reject("proxyProtocol.trusted", input, "networks such as \"10.0.0.0/8\", IP addresses, or \"unix\"")
}

// Peers are compared by what they map, and so the networks must be, too.
const unmapped = (network: IpNetwork.IpNetwork): IpNetwork.IpNetwork =>
  IpNetwork.isIpv6Network(network) && network.prefixLength >= 96
    ? Option.match(NetAddress.fromIpv4Mapped(network.address), {
      onNone: () => network,
      onSome: (address) => IpNetwork.makeUnsafe(address, network.prefixLength - 96)
    })
    : network

/** Checks a header that is to be sent, and gives its bytes. */
export const checkHeader = (header: Header | undefined): Uint8Array | undefined =>
  header === undefined ? undefined : Result.getOrElse(
    ProxyProtocol.encode(header),
    (error) => reject("proxyProtocol", ProxyProtocol.format(header), `a header that can be written: ${error.message}`)
  )
