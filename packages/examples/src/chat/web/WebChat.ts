/** The chat for browsers: a page, and a WebSocket for each that is open. */
import * as Connection from "@sluice/core/Connection"
import type * as Endpoint from "@sluice/core/Endpoint"
import type * as Server from "@sluice/core/Server"
import * as NodeHttp from "@sluice/node/NodeHttp"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { createServer, type IncomingMessage } from "node:http"
import type * as ChatServer from "../server/ChatServer.ts"
import * as handshake from "./handshake.ts"
import * as pages from "./pages.ts"
import { wire } from "./WebWire.ts"

export { wire } from "./WebWire.ts"

/** How long a browser may be silent before it is pinged, and how long it may take to answer. */
export const heartbeat = { idle: Duration.seconds(30), idleGrace: Duration.seconds(30) }

export interface Options extends Server.Options {
  /** Origins of pages that may chat, such as `https://chat.example.org`, besides the page at the address of this server. */
  readonly origins: ReadonlyArray<string>
}

/** Serves the page, and the chat over its WebSockets. */
export const layer = ({ origins, ...options }: Options, chat: Effect.Success<ReturnType<typeof ChatServer.make>>) => {
  const serve = chat(wire, heartbeat)
  const upgrade = (request: IncomingMessage, connection: Connection.Connection) =>
    Result.match(handshake.respond(request, origins), {
      onFailure: (response) => Connection.writeText(connection, response),
      onSuccess: (response) => Effect.andThen(Connection.writeText(connection, response), serve(connection))
    })
  return Layer.unwrap(Effect.map(pages.make, (app) => HttpServer.serve(app))).pipe(
    Layer.provide(NodeHttp.layerServer(() => createServer({ requestTimeout: 30_000 }), { ...options, upgrade }))
  )
}

/** Prints where the page is: `Web page on http://127.0.0.1:8080/`. */
export const printListening = (endpoint: Endpoint.StreamEndpoint) => (address: NetAddress.SocketAddress) =>
  Console.log(`Web page on ${urlOf(endpoint, address)}`)

const urlOf = (endpoint: Endpoint.StreamEndpoint, address: NetAddress.SocketAddress): string =>
  `${endpoint._tag === "Tls" ? "https" : "http"}://${NetAddress.formatSocketAddress(address)}/`
