import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Endpoint from "../../Endpoint.ts"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, duration, optionalDuration, optionalInteger, reject } from "../../Options.ts"
import type * as SocketOptions from "../../SocketOptions.ts"
import type * as Tls from "../../Tls.ts"
import { checkHeader, checkTrust } from "../proxy/options.ts"
import { checkClient, defaultHandshakeTimeout } from "../tls/options.ts"
import { settingsOf } from "../tls/serverSettings.ts"

/** Validates and completes the options of `Network.connect`; times in milliseconds. */
export const checkConnect = (options: SocketOptions.ConnectOptions, address: string) =>
  checked("connect", address, () => ({
    ...checkStream(options),
    proxyHeader: checkHeader(options.proxyProtocol),
    tls: checkClient(options.tls ?? defaultTls),
    connectTimeout: duration("connectTimeout", options.connectTimeout ?? 30_000, 1),
    attemptDelay: duration("attemptDelay", options.attemptDelay ?? 250),
    localAddress: options.localAddress === undefined ? undefined : ipAddress("localAddress", options.localAddress),
    localPort: optionalInteger("localPort", options.localPort, 0, 65535)
  }))

/** Validates and completes the options of `Network.listen`; times in milliseconds. */
export const checkListen = (options: SocketOptions.ListenOptions, address: string) =>
  checked("listen", address, () => ({
    ...checkStream(options),
    proxyProtocol: checkTrust(options.proxyProtocol),
    tls: options.tls === undefined ? undefined : settingsOf(options.tls),
    upgradeTls: options.upgradeTls === undefined ? undefined : settingsOf(options.upgradeTls),
    handshakeTimeout: duration("handshakeTimeout", options.handshakeTimeout ?? defaultHandshakeTimeout, 1),
    backlog: optionalInteger("backlog", options.backlog, 1, 65535) ?? 511,
    reusePort: options.reusePort ?? false,
    ipv6Only: options.ipv6Only ?? false,
    mode: fileMode(options.mode)
  }))

// One object, so that all connections share the context that is made of it.
const defaultTls: Tls.ClientOptions = {}

const checkStream = (options: SocketOptions.StreamOptions) => ({
  noDelay: options.noDelay ?? true,
  keepAlive: options.keepAlive === false
    ? undefined
    : optionalDuration("keepAlive", options.keepAlive, 1_000, 32_767_000),
  closeTimeout: duration("closeTimeout", options.closeTimeout ?? 2_000)
})

const ipAddress = (option: string, value: NetAddress.IpAddressInput): string => {
  const parsed = NetAddress.ipFromInput(value)
  return Result.isSuccess(parsed)
    ? NetAddress.formatIp(parsed.success)
    : reject(option, value, "an IP address")
}

const fileMode = (mode: number | undefined): number | undefined =>
  mode === undefined || (Number.isInteger(mode) && mode >= 0 && mode <= 0o777)
    ? mode
    : reject("mode", mode, "the permissions of a file, such as 0o660")

/** Rejects TLS options that would be ignored, and an endpoint that lacks them. */
export const checkTls = (
  endpoint: Endpoint.StreamEndpoint | Endpoint.Inherited,
  { tls, upgradeTls }: Pick<SocketOptions.ListenOptions, "upgradeTls"> & { readonly tls?: object | undefined },
  operation: "connect" | "listen",
  where: string
): Result.Result<void, NetworkError.NetworkError> =>
  checked(operation, where, () => {
    // An inherited socket is over TLS if there are certificates.
    if (endpoint._tag === "Inherited") return
    if (endpoint._tag !== "Tls" && tls !== undefined) reject("tls", tls, "an endpoint that begins with tls://")
    if (endpoint._tag === "Tls" && upgradeTls !== undefined) {
      reject("upgradeTls", upgradeTls, "an endpoint that begins with tcp:// or unix://")
    }
    if (endpoint._tag === "Tls" && tls === undefined && operation === "listen") {
      reject("tls", undefined, "the certificates to show, as in { certificates: [{ chain, key }] }")
    }
  })
