import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as MetricSeries from "../../MetricSeries.ts"
import type { Admission } from "./admission.ts"

const rejected = Metric.counter("sluice_datagrams_rejected", {
  description: "Datagrams that a server received and did not handle"
})

/** Reports the datagrams that a server rejects for as long as the Scope is open. */
export const rejecting = (
  admission: Admission,
  address: NetAddress.InetAddress
): Effect.Effect<void, never, Scope.Scope> =>
  MetricSeries.report(
    { address: NetAddress.formatInet(address) },
    (["ratePerSource", "handleOwn"] as const).map((reason) =>
      MetricSeries.counter(rejected, () => admission.rejected[reason], { reason })
    )
  )
