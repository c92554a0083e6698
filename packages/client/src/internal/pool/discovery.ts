import * as Endpoint from "@sluice/core/Endpoint"
import * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, integer, reject } from "@sluice/core/Options"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Dns from "effect/net/Dns"
import type * as FramedClient from "../../FramedClient.ts"
import type { Candidate } from "./target.ts"

/** Endpoints that are looked up periodically. */
export interface Lookup<R> {
  readonly resolve: Effect.Effect<ReadonlyArray<Candidate>, NetworkError.NetworkError, R>
  /** The time between lookups, in milliseconds. */
  readonly refresh: number
}

const unnamed: Candidate = { endpoint: undefined, priority: 0, weight: 1 }

/** Checks the endpoints of a client; throws as `Options` do. */
export const checkEndpoints = <R>(
  endpoints: FramedClient.Endpoints<R> | undefined
): ReadonlyArray<Candidate> | Lookup<R> => {
  if (endpoints === undefined) return [unnamed]
  if ("resolve" in endpoints) {
    return {
      resolve: Effect.flatMap(
        endpoints.resolve,
        (found) => Effect.fromResult(checked("configure", "the client", () => distinct(found.map(candidate))))
      ),
      refresh: duration("endpoints.refresh", endpoints.refresh ?? "30 seconds", 1)
    }
  }
  const candidates = distinct(endpoints.map(candidate))
  return candidates.length > 0 ? candidates : reject("endpoints", [], "at least one endpoint")
}

const candidate = (each: Endpoint.Input | FramedClient.WeightedEndpoint): Candidate => {
  const { endpoint, priority = 0, weight = 1 } = typeof each === "object" && "endpoint" in each
    ? each
    : { endpoint: each }
  const parsed = Endpoint.fromInput(endpoint)
  if (parsed._tag === "Failure") return reject("endpoints", endpoint, "an endpoint such as \"tcp://10.0.0.1:6379\"")
  return {
    endpoint: parsed.success,
    priority: integer("endpoints.priority", priority, 0, 65_535),
    weight: integer("endpoints.weight", weight, 0, 65_535)
  }
}

/** Removes duplicate endpoints. The last one counts. */
const distinct = (
  candidates: ReadonlyArray<Candidate>
): ReadonlyArray<Candidate> => [...new Map(candidates.map((each) => [keyOf(each), each])).values()]

export const keyOf = ({ endpoint }: Candidate): string => endpoint === undefined ? "" : Endpoint.format(endpoint)

export const srv = (
  name: string,
  options: FramedClient.SrvOptions = {}
): FramedClient.Lookup<Dns.Dns> => {
  const scheme = options.scheme ?? "tcp"
  const resolve = Effect.gen(function*() {
    const dns = yield* Dns.Dns
    const records = yield* Effect.mapError(
      dns.resolve(name, "SRV"),
      (error) => Transport.lookupError(error, name, name)
    )
    // A target of "." says that there is no such service (RFC 2782).
    const found = records.filter(({ target }) => target !== "." && target !== "")
    if (found.length === 0) {
      return yield* Effect.fail(NetworkError.make("resolve", name, new NetworkError.HostNotFound({ host: name })))
    }
    return found.map(({ port, priority, target, weight }) => {
      // A name in a certificate has no dot at its end.
      const host = target.endsWith(".") ? target.slice(0, -1) : target
      return { endpoint: scheme === "tls" ? Endpoint.tls(host, port) : Endpoint.tcp(host, port), priority, weight }
    })
  })
  return { resolve, refresh: options.refresh }
}
