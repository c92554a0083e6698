import type * as Result from "effect/Result"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, integer, optionalInteger, reject } from "../../Options.ts"
import * as ServerPolicy from "../../ServerPolicy.ts"
import { checkNetworks } from "../address/parseNetworks.ts"
import type { Rate } from "./tokenBuckets.ts"

/** `ServerPolicy.AcceptPolicy`, validated and complete. */
export type AcceptPolicy = Result.Result.Success<ReturnType<typeof checkAcceptPolicy>>

/** Validates who may connect. The error has the reason `InvalidOption` and names `address`. */
export const checkAcceptPolicy = (
  options: ServerPolicy.AcceptPolicy,
  operation: NetworkError.Operation,
  address: string
) =>
  checked(operation, address, () => ({
    allow: options.allow === undefined ? undefined : checkNetworks("allow", options.allow),
    deny: checkNetworks("deny", options.deny ?? ServerPolicy.defaults.deny),
    acceptRate: rate("acceptRate", options.acceptRate),
    acceptRatePerAddress: rate("acceptRatePerAddress", options.acceptRatePerAddress),
    maxConnectionsPerAddress: optionalInteger(
      "maxConnectionsPerAddress",
      options.maxConnectionsPerAddress,
      1,
      Number.MAX_SAFE_INTEGER
    ),
    ipv6PrefixLength: integer(
      "ipv6PrefixLength",
      options.ipv6PrefixLength ?? ServerPolicy.defaults.ipv6PrefixLength,
      0,
      128
    )
  }))

/** Validates a rate, if there is one. */
export const rate = (option: string, input: ServerPolicy.Rate | undefined): Rate | undefined => {
  if (input === undefined) return undefined
  const { burst, perSecond } = typeof input === "number" ? { perSecond: input, burst: undefined } : input
  if (!(perSecond > 0 && perSecond <= most)) {
    return reject(option, perSecond, "a number a second, more than 0, such as 100 or { perSecond: 100, burst: 500 }")
  }
  return { perSecond, burst: integer(`${option}.burst`, burst ?? Math.max(1, Math.ceil(perSecond)), 1, most) }
}

const most = 1e9
