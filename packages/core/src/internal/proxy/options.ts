import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { duration, optionalInteger, reject } from "../../Options.ts"
import type * as SocketOptions from "../../SocketOptions.ts"
import { NetworkSet } from "../address/networkSet.ts"
import { checkNetworks } from "../address/parseNetworks.ts"
import { canonical } from "../address/peerAddress.ts"

/** `ProxyProtocolOptions`, validated and complete. */
export interface ProxyTrust {
  readonly isTrusted: (address: NetAddress.SocketAddress) => boolean
  /** In milliseconds. */
  readonly timeout: number
  /** In bytes. */
  readonly limit: number
}

/** Validates the trusted proxies. */
export const checkTrust = (
  options: SocketOptions.ProxyProtocolOptions | undefined
): ProxyTrust | undefined => {
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
  const networks = new NetworkSet(checkNetworks("proxyProtocol.trusted", trusted.filter((each) => each !== "unix")))
  return (address) => {
    const peer = canonical(address)
    return NetAddress.isUnixPathAddress(peer) ? unix : networks.has(peer.address)
  }
}

/** Encodes a header to send. */
export const checkHeader = (header: ProxyProtocol.Header | undefined): Uint8Array | undefined =>
  header === undefined ? undefined : Result.getOrElse(
    ProxyProtocol.encode(header),
    (error) => reject("proxyProtocol", ProxyProtocol.format(header), `a header that can be written: ${error.message}`)
  )
