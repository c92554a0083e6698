import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import type * as NodeDns from "node:dns"
import { shortage } from "./descriptors.ts"
import { builtins } from "./facade/builtins.ts"

/**
 * Looks up names with getaddrinfo(3). `@effect/platform-node/NodeDns` does as much, but brings `effect/Config` and
 * `effect/Schema` with it, which would add half again to the heap of a server; and a module that is loaded by the first
 * look-up cannot be loaded without descriptors.
 */
export const layer: Layer.Layer<Dns.Dns> = Layer.succeed(
  Dns.Dns,
  Dns.make({
    lookup: (host, family) =>
      Effect.callback((resume) => {
        builtins.dns.lookup(
          host,
          { all: true, order: "verbatim", family: family === undefined ? 0 : family === "IPv4" ? 4 : 6 },
          (error, addresses) =>
            resume(error === null ? Effect.succeed(addresses.map(parse)) : Effect.fail(failure(host, error)))
        )
      })
  })
)

const parse = ({ address }: NodeDns.LookupAddress): NetAddress.IpAddress =>
  NetAddress.ipFromStringUnsafe(address.split("%", 1)[0]!)

// Without descriptors getaddrinfo(3) may say that the name does not exist: it cannot read its configuration.
const failure = (hostname: string, error: NodeJS.ErrnoException): Dns.DnsError => {
  const cause = shortage(1) ?? error
  return new Dns.DnsError({ reason: reasons[cause.code ?? ""] ?? "Unknown", method: "lookup", hostname, cause })
}

// getaddrinfo(3) reports SERVFAIL as EAI_AGAIN, and REFUSED as EAI_FAIL.
const reasons: Record<string, Dns.DnsErrorReason> = {
  ENOTFOUND: "NotFound",
  EAI_NODATA: "NotFound",
  EAI_AGAIN: "Temporary",
  EAI_FAIL: "Refused"
}
