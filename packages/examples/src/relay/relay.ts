/** A relay, as the handler of a server. */
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Connecting } from "../cli/tls.ts"
import { headerFor } from "./header.ts"

/** Connects each client with a server, which it tells who that is by a PROXY header of this version, if of any. */
export const relayTo = ({ endpoint, options }: Connecting, version: Option.Option<1 | 2>) =>
  Effect.fnUntraced(function*(client: Connection.Connection) {
    const header = Option.map(version, (version) => headerFor(client, version))
    const server = yield* Network.connect(endpoint, { ...options, proxyProtocol: Option.getOrUndefined(header) })
    yield* Connection.relay(client, server)
  })
