/** A relay, as the handler of a server. */
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Toxics from "@sluice/node/Toxics"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Connecting } from "../cli/tls.ts"
import { headerFor } from "./header.ts"
import { checkHops, OwnConnections } from "./loop.ts"

/** Connects each client with a server, and announces the client by a PROXY header of this version, if of any. `toxics` make the way bad. */
export const relayTo = (
  { endpoint, options }: Connecting,
  version: Option.Option<1 | 2>,
  toxics?: Toxics.Toxics | undefined
) => {
  const own = new OwnConnections()
  return Effect.fnUntraced(function*(client: Connection.Connection) {
    yield* checkHops(client)
    yield* own.check(client)
    const header = Option.map(version, (version) => headerFor(client, version))
    const server = yield* Network.connect(endpoint, { ...options, proxyProtocol: Option.getOrUndefined(header) })
    yield* own.add(server)
    // The client may have been accepted before the relay knew that it had connected.
    yield* own.check(client)
    yield* (toxics === undefined ? Connection.relay(client, server) : Toxics.relay(client, server, toxics))
  })
}
