import type * as Server from "@sluice/core/Server"
import type * as ServerPolicy from "@sluice/core/ServerPolicy"

/** The share that one of `count` workers has of the limits of all; `undefined` without such limits. */
export const shareOf = (
  { acceptRate, maxConnections }: Pick<Server.Options, "acceptRate" | "maxConnections">,
  count: number
): ServerPolicy.ServerPolicy | undefined =>
  acceptRate === undefined && maxConnections === undefined ? undefined : {
    ...(maxConnections === undefined ? {} : { maxConnections: Math.ceil(maxConnections / count) }),
    ...(acceptRate === undefined ? {} : { acceptRate: shareOfRate(acceptRate, count) })
  }

const shareOfRate = (rate: ServerPolicy.Rate, count: number): ServerPolicy.Rate => {
  const { burst, perSecond } = typeof rate === "number" ? { perSecond: rate, burst: undefined } : rate
  return { perSecond: perSecond / count, burst: Math.ceil((burst ?? Math.max(1, Math.ceil(perSecond))) / count) }
}
