/** Connects to the target of a request, and reports the outcome in the codes of RFC 1928. */
import type * as Codec from "@sluice/codec/Codec"
import type * as Socks5 from "@sluice/codec/formats/Socks5"
import type * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as rules from "./rules.ts"

export type Request = Codec.Type<typeof Socks5.request>
export type Reply = Codec.Type<typeof Socks5.reply>

export const codes = {
  succeeded: 0,
  failed: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  timeToLiveExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8
} as const

/** Why there is no connection. */
export class Refused extends Data.TaggedError("Refused")<{ readonly code: number }> {}

const refuse = (code: number) => Effect.fail(new Refused({ code }))

/** The code for an error of the network. */
export const codeOf = ({ reason }: NetworkError.NetworkError): number => {
  switch (reason._tag) {
    case "ConnectionRefused":
    case "ConnectionReset":
      return codes.refused
    case "Unreachable":
      return reason.what === "network" ? codes.networkUnreachable : codes.hostUnreachable
    // The system waits as long for a host that is gone as for packets whose time has run out.
    case "TimedOut":
      return codes.timeToLiveExpired
    case "PermissionDenied":
      return codes.notAllowed
    case "AddressFamilyMismatch":
      return codes.addressTypeNotSupported
    default:
      return codes.failed
  }
}

/** The addresses of a target, and its name if it was requested by name. */
const targetsOf = Effect.fnUntraced(function*({ address, port }: Request, allowed: rules.Rules) {
  if (address._tag !== "Name") {
    const ip = address._tag === "IpV4"
      ? NetAddress.ipv4FromBytesUnsafe(address.address)
      : NetAddress.ipv6FromBytesUnsafe(address.address)
    return { name: undefined, addresses: [NetAddress.inetAddressUnsafe(ip, port)] }
  }
  const { name } = address
  const host = Host.hostFromString(name)
  if (Result.isFailure(host)) return yield* refuse(codes.hostUnreachable)
  if (NetAddress.isIpAddress(host.success)) {
    return { name: undefined, addresses: [NetAddress.inetAddressUnsafe(host.success, port)] }
  }
  if (rules.isDenied(allowed, name)) return yield* refuse(codes.notAllowed)
  const { resolve } = yield* AddressResolver.AddressResolver
  const addresses = yield* Effect.catch(
    resolve({ host: host.success, port }),
    (error) => refuse("reason" in error && error.reason !== "NotFound" ? codes.failed : codes.hostUnreachable)
  )
  return { name, addresses }
})

/**
 * Connects to the target of a request, in the Scope. A name is resolved once, and only its allowed addresses are tried, so
 * that a name that resolves to another address later cannot bypass the rules.
 */
export const dial = Effect.fnUntraced(function*(
  request: Request,
  options: { readonly rules: rules.Rules; readonly connectTimeout: Duration.Input }
) {
  if (request.command !== "connect") return yield* refuse(codes.commandNotSupported)
  const { addresses, name } = yield* targetsOf(request, options.rules)
  const allowed = addresses.filter(({ address }) => rules.isAllowed(options.rules, { address, name }))
  if (allowed.length === 0) return yield* refuse(codes.notAllowed)
  const attempts = allowed.map((address) => Network.connect(Endpoint.fromAddress(address), options))
  return yield* Effect.mapError(Effect.firstSuccessOf(attempts), (error) => new Refused({ code: codeOf(error) }))
}, (dialling, _, { connectTimeout }) =>
  Effect.timeoutOrElse(dialling, {
    duration: connectTimeout,
    orElse: () => refuse(codes.timeToLiveExpired)
  }))

const nowhere: NetAddress.InetAddress = NetAddress.inetAddressUnsafe(NetAddress.ipv4Unspecified, 0)

/** A reply with a code, and where the server is connected from. */
export const replyOf = (code: number, from: NetAddress.SocketAddress = nowhere): Reply => {
  const { address, port } = NetAddress.isInetAddress(from) ? from : nowhere
  return {
    code,
    port,
    address: NetAddress.isIpv4Address(address)
      ? { _tag: "IpV4", address: Uint8Array.from(NetAddress.ipv4ToOctets(address)) }
      : { _tag: "IpV6", address: Uint8Array.from(NetAddress.ipv6ToOctets(address)) }
  }
}

/** The reply to a request that led to a connection. */
export const connected = (target: Connection.Connection): Reply => replyOf(codes.succeeded, target.localAddress)
