import * as Endpoint from "@sluice/core/Endpoint"
import type * as Network from "@sluice/core/Network"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Http from "node:http"
import type * as Net from "node:net"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { makeConnector } from "./connector.ts"

type Made<A> = Effect.Effect<A, never, Network.Network | Scope.Scope>

/** Makes an agent of node:http, or of node:https if there is `tls`. */
export const makeAgent = ({ agent, ...options }: NodeDuplex.AgentOptions): Made<Http.Agent> =>
  Effect.gen(function*() {
    const isSecure = options.tls !== undefined
    const { connect } = yield* makeConnector(options)
    // Loaded here, because other sockets do not need them.
    const { Agent } = process.getBuiltinModule(isSecure ? "node:https" : "node:http")
    return yield* Effect.acquireRelease(
      Effect.sync(() => Object.assign(new Agent({ keepAlive: true, ...agent }), { createConnection: connect })),
      (made) => Effect.sync(() => made.destroy())
    )
  })

/** Makes connectors for `http:` and for `https:`. */
export const makeConnectors = (
  { tls, ...clear }: SocketOptions.ConnectOptions
): Made<{ readonly plain: NodeDuplex.Connector; readonly secure: NodeDuplex.Connector }> =>
  Effect.all({
    plain: makeConnector(clear),
    secure: makeConnector(tls === undefined ? clear : { ...clear, tls }, Endpoint.tls)
  })

/** Makes the `connect` of undici's clients. */
export const makeUndiciConnect = (options: SocketOptions.ConnectOptions): Made<NodeDuplex.UndiciConnect> =>
  Effect.map(
    makeConnectors(options),
    ({ plain, secure }): NodeDuplex.UndiciConnect => ({ hostname, port, protocol }, callback) => {
      const isSecure = protocol === "https:"
      const socket = (isSecure ? secure : plain).connect({
        host: hostname,
        port: port || (isSecure ? 443 : 80)
      }) as Net.Socket
      const onError = (error: Error) => callback(error, null)
      socket.once("error", onError)
      socket.once("connect", () => {
        socket.off("error", onError)
        callback(null, socket)
      })
    }
  )
