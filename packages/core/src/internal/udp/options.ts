import type * as NetAddress from "effect/net/NetAddress"
import type * as Result from "effect/Result"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, oneOf, optionalInteger } from "../../Options.ts"
import type * as SocketOptions from "../../SocketOptions.ts"
import { multicastInterface } from "./membership.ts"

/** `BindOptions`, validated and complete. The peer is an endpoint still: its address is resolved later. */
export type Bind = Result.Result.Success<ReturnType<typeof checkBind>>

/** Validates the options of `Network.bind`. */
export const checkBind = (options: SocketOptions.BindOptions, address: string) =>
  checked("bind", address, () => ({
    reuseAddress: options.reuseAddress ?? false,
    reusePort: options.reusePort ?? false,
    ipv6Only: options.ipv6Only ?? false,
    broadcast: options.broadcast ?? false,
    ttl: optionalInteger("ttl", options.ttl, 1, 255),
    multicastTtl: optionalInteger("multicastTtl", options.multicastTtl, 0, 255),
    multicastLoopback: options.multicastLoopback,
    multicastInterface: options.multicastInterface === undefined
      ? undefined
      : multicastInterface(
        "multicastInterface",
        options.multicastInterface,
        options.multicastInterface.includes(":") ? "IPv6" : "IPv4"
      ),
    receiveBufferSize: optionalInteger("receiveBufferSize", options.receiveBufferSize, 1, 2 ** 31 - 1),
    sendBufferSize: optionalInteger("sendBufferSize", options.sendBufferSize, 1, 2 ** 31 - 1),
    queueCapacity: optionalInteger("queueCapacity", options.queueCapacity, 1, 2 ** 31 - 1) ?? 1024,
    queueOverflow: oneOf("queueOverflow", options.queueOverflow ?? "dropNewest", ["dropNewest", "dropOldest"])
  }))

/** Validates that the interface which multicast datagrams leave by is of the socket's family. */
export const checkInterface = (
  at: string | undefined,
  family: NetAddress.IpFamily,
  address: string
): Result.Result<void, NetworkError.NetworkError> =>
  checked("bind", address, () => {
    if (at !== undefined) multicastInterface("multicastInterface", at, family)
  })
