/**
 * Who may connect, and how fast: judged when a connection is accepted, by the address of the socket's own peer, before a
 * byte is read or a handshake begins. Whoever is turned away gets a reset, and is counted with the reason.
 *
 * | option | default | why |
 * |---|---|---|
 * | `allow`, `deny` | none | who may connect is for the operator to know |
 * | `acceptRate`, `acceptRatePerAddress` | none | what is much depends on what a connection costs |
 * | `ipv6PrefixLength` | 64 | that much of an address is the network's; a host chooses the rest (RFC 4291, section 2.5.1) |
 *
 * **Example** (one network, without one of its machines, and no more than 100 connections a second)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 *
 * const Echo = Server.layer({
 *   listen: "tcp://0.0.0.0:7",
 *   allow: ["10.0.0.0/8", "::1"],
 *   deny: ["10.1.2.3"],
 *   acceptRate: { perSecond: 100, burst: 500 },
 *   acceptRatePerAddress: 5
 * }, (connection) => Connection.pipeTo(connection, connection))
 * ```
 *
 * **Details**
 *
 * - An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is the IPv4 address that it maps, in these lists as well as on the
 *   wire: `10.0.0.0/8` holds it and `::/0` does not.
 * - Unix-domain sockets have no addresses to judge: what applies to them is `acceptRate` alone.
 * - Rates are kept as token buckets. A refused connection takes no token: who tries too often is served at the rate, and
 *   takes nothing from the others.
 * - Of addresses with a rate of their own, the 65,536 that came last are remembered. Whoever has been forgotten has a whole
 *   burst again: against more sources than that, `acceptRate` is the limit.
 */
import type * as IpNetwork from "effect/net/IpNetwork"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Result from "effect/Result"
import { checkNetworks } from "./internal/accept/parseNetworks.ts"
import type * as NetworkError from "./NetworkError.ts"
import { checked, integer, reject } from "./Options.ts"

/** A network, such as `"10.0.0.0/8"` or a value of `effect/net/IpNetwork`; or one address, such as `"10.1.2.3"`. */
export type NetworkInput = IpNetwork.IpNetworkInput | NetAddress.IpAddressInput

/** Connections a second; or that, and how many may come at once after a silence. A number has a burst of as many. */
export type RateInput = number | {
  readonly perSecond: number
  /** Default: as many as come in a second, and at least 1. */
  readonly burst?: number | undefined
}

/** Who may connect, and how fast. */
export interface Options {
  /** Only these networks may connect; an empty list is nobody. Default: all. */
  readonly allow?: ReadonlyArray<NetworkInput> | undefined
  /** These networks may not connect, even if `allow` holds them. Default: none. */
  readonly deny?: ReadonlyArray<NetworkInput> | undefined
  /** Connections that are accepted a second, all together. Default: as many as come. */
  readonly acceptRate?: RateInput | undefined
  /** Connections that are accepted a second from one address. Default: as many as come. */
  readonly acceptRatePerAddress?: RateInput | undefined
  /** So many leading bits of an IPv6 address are one address where addresses are counted, 0 to 128. Default: 64. */
  readonly ipv6PrefixLength?: number | undefined
}

/**
 * Why a connection was turned away before any byte of it was read: the name of the option whose limit it was, or
 * `"closing"`, because the listener closes.
 */
export type Refusal = typeof refusals[number]

/** All that a `Refusal` can be. */
export const refusals = [
  "allow",
  "deny",
  "acceptRate",
  "acceptRatePerAddress",
  "maxConnections",
  "maxConnectionsPerAddress",
  "backlog",
  "closing"
] as const

/** A rate, checked: connections a second, and how many may come at once. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** `Options`, checked and complete. */
export interface AcceptPolicy {
  readonly allow: ReadonlyArray<IpNetwork.IpNetwork> | undefined
  readonly deny: ReadonlyArray<IpNetwork.IpNetwork>
  readonly acceptRate: Rate | undefined
  readonly acceptRatePerAddress: Rate | undefined
  readonly ipv6PrefixLength: number
}

/** Checks who may connect; `address` is for the error, which has the reason `InvalidOption`. */
export const check = (
  options: Options,
  operation: NetworkError.Operation,
  address: string
): Result.Result<AcceptPolicy, NetworkError.NetworkError> =>
  checked(operation, address, () => ({
    allow: options.allow === undefined ? undefined : checkNetworks("allow", options.allow),
    deny: checkNetworks("deny", options.deny ?? []),
    acceptRate: rate("acceptRate", options.acceptRate),
    acceptRatePerAddress: rate("acceptRatePerAddress", options.acceptRatePerAddress),
    ipv6PrefixLength: integer("ipv6PrefixLength", options.ipv6PrefixLength ?? 64, 0, 128)
  }))

const rate = (option: string, input: RateInput | undefined): Rate | undefined => {
  if (input === undefined) return undefined
  const { burst, perSecond } = typeof input === "number" ? { perSecond: input, burst: undefined } : input
  if (!(perSecond > 0 && perSecond <= most)) {
    return reject(option, perSecond, "connections a second, more than 0, such as 100 or { perSecond: 100, burst: 500 }")
  }
  return { perSecond, burst: integer(`${option}.burst`, burst ?? Math.max(1, Math.ceil(perSecond)), 1, most) }
}

const most = 1e9
