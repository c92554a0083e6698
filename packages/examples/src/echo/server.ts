/** `echo server`: sends back what each client sends, until the client ends. */
import * as Connection from "@sluice/core/Connection"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as flags from "../cli/flags.ts"
import { launch, workers } from "../cli/workers.ts"

export const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)

/** Sends back each piece behind a prefix. What a piece is, TCP decides: it keeps the bytes in order, not their grouping. */
const echoBehind = (prefix: Uint8Array) => (connection: Connection.Connection) =>
  Stream.runForEach(Connection.bytes(connection), (piece) => Connection.writeAll(connection, [prefix, piece]))

const prefix = Flag.String("prefix").pipe(
  Flag.withDescription("Text to send before each received chunk"),
  Flag.map((text) => new TextEncoder().encode(text)),
  Flag.optional
)

/** Logs where a connection comes from, and then serves it; the client's address is in every line of its log. */
const logged = <E>(handler: Server.Handler<E, never>): Server.Handler<E, never> => (connection) => {
  const proxy = connection.proxy && (NetAddress.formatSocketAddress(connection.proxy.remoteAddress) || "a local socket")
  return Effect.andThen(
    Effect.logInfo(proxy === undefined ? "connected" : `connected through ${proxy}`),
    handler(connection)
  )
}

export const server = Command.make(
  "server",
  { ...flags.server(12346), prefix, proxyProtocol: flags.proxyProtocol, workers },
  (options) => {
    const handler = Option.match(options.prefix, { onNone: () => echo, onSome: echoBehind })
    const Echo = Effect.map(flags.serverOptions(options), (server) =>
      options.proxyProtocol
        ? Server.layer({ ...server, proxyProtocol: flags.localProxies }, logged(handler))
        : Server.layer(server, handler))
    return Effect.provide(launch(options, Layer.unwrap(Echo)), NodeNetwork.layer)
  }
).pipe(Command.withDescription("Send back what each client sends, until it ends its output"))
