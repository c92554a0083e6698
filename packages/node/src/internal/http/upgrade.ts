import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import type * as Http from "node:http"
import type { Duplex } from "node:stream"
import type * as NodeHttp from "../../NodeHttp.ts"
import { handOver } from "../duplex/handOver.ts"

/** `NodeDuplex.serve`, until a request has an `Upgrade` header: then `upgrade` gets its connection. */
export const serve = <E, R>(server: Http.Server, upgrade: NodeHttp.Upgrade<E, R>) => {
  const takers = new WeakMap<Duplex, (request: Http.IncomingMessage, head: Uint8Array) => void>()
  server.on("upgrade", (request: Http.IncomingMessage, socket: Duplex, head: Uint8Array) => {
    // An earlier response is still being sent: the client pipelined the upgrade, which clients do not do.
    if (socket.writableLength > 0) socket.destroy()
    else takers.get(socket)?.(request, head)
  })
  return (connection: Connection.Connection): Effect.Effect<void, E | NetworkError.NetworkError, R> =>
    handOver<E | NetworkError.NetworkError, R>(
      server,
      connection,
      (socket, resume) =>
        takers.set(socket, (request, head) => {
          const rest = Buffer.concat([head, socket.release()])
          // The chunk with the request may still be in delivery. The input is free only after that.
          process.nextTick(() =>
            resume(Effect.andThen(Connection.unread(connection, rest), upgrade(request, connection)))
          )
        })
    )
}
