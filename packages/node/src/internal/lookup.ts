import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"

/**
 * Looks up names as the system does. Loaded with the first name: it brings `effect/Config` and `effect/Schema` with it,
 * which would add half again to the heap of a server that never looks one up.
 */
export const layer: Layer.Layer<Dns.Dns> = Layer.succeed(
  Dns.Dns,
  Dns.make({
    lookup: (host, family) =>
      Effect.flatMap(
        Effect.promise(() => import("@effect/platform-node/NodeDns")),
        (NodeDns) =>
          Effect.service(Dns.Dns).pipe(
            Effect.flatMap((dns) => dns.lookup(host, { family })),
            Effect.provide(NodeDns.layer)
          )
      )
  })
)
