/**
 * Sluice connections as Node's sockets: for node:http, WebSocket libraries, database drivers and all other code that takes
 * a `node:stream` Duplex or a `net.Socket`.
 *
 * **Example** (a server of node:http behind a Sluice server, and a client)
 *
 * ```ts
 * import * as Server from "@sluice/core/Server"
 * import * as NodeDuplex from "@sluice/node/NodeDuplex"
 * import * as Effect from "effect/Effect"
 * import * as Http from "node:http"
 *
 * const http = Http.createServer((request, response) => response.end(`hello from ${request.url}`))
 *
 * const HttpServer = Server.layer({ listen: "tcp://127.0.0.1:8080", maxConnections: 1000 }, NodeDuplex.serve(http))
 *
 * const get = Effect.gen(function*() {
 *   const { connect } = yield* NodeDuplex.connector()
 *   return Http.get({ host: "127.0.0.1", port: 8080, path: "/", createConnection: connect })
 * })
 * ```
 *
 * **Details**
 *
 * - A socket has the events, properties and methods of `net.Socket`; its errors have Node's `code` and `syscall`, and the
 *   `NetworkError` as `cause`. Over TLS it has `encrypted`, `authorized`, `alpnProtocol` and `getPeerCertificate`.
 * - `destroy` closes the connection in order, and `resetAndDestroy` with a reset. When the Scope that a socket belongs to is
 *   closed, the socket is destroyed.
 * - `setNoDelay` and `setKeepAlive` do nothing: these are options of `Network.connect` and `Server`. `ref` and `unref` do
 *   nothing either.
 * - It works over any `Network`, the simulated one included, there also in virtual time.
 *
 * @since 0.1.0
 */
import * as Connection from "@sluice/core/Connection"
import type * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as CoreSocketOptions from "@sluice/core/SocketOptions"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Http from "node:http"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"
import * as clients from "./internal/duplex/clients.ts"
import { makeConnector } from "./internal/duplex/connector.ts"
import { makeConnection } from "./internal/duplex/duplexConnection.ts"
import { DuplexSocket } from "./internal/duplex/duplexSocket.ts"
import { handOver } from "./internal/duplex/handOver.ts"

/**
 * Options of a socket, as those of `new net.Socket()`.
 *
 * @since 0.1.0
 * @category options
 */
export interface SocketOptions {
  /** Whether the output stays open after the peer has ended. Default: `false`, as with Node's sockets. */
  readonly allowHalfOpen?: boolean | undefined
  /** How many bytes are buffered in each direction before `write` answers `false` and reading stops. Default: Node's. */
  readonly highWaterMark?: number | undefined
  readonly readableHighWaterMark?: number | undefined
  readonly writableHighWaterMark?: number | undefined
  /** Destroys the socket with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes a socket of an open connection. Closing the Scope destroys the socket; `destroy` half-closes the connection, or
 * resets it, and the owner of the connection closes it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromConnection = (
  connection: Connection.Connection,
  options?: SocketOptions
): Effect.Effect<Duplex, never, Scope.Scope> =>
  Effect.map(Effect.context<never>(), (context) => Effect.runForkWith(context)).pipe(
    Effect.flatMap((run) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const socket = new DuplexSocket(options)
          socket.attach(connection, {
            close: (how) => {
              if (how === "reset") run(Connection.abort(connection))
              else run(Effect.ignore(Connection.end(connection)))
            }
          })
          return socket
        }),
        (socket) => Effect.sync(() => socket.destroy())
      )
    )
  )

/**
 * Options of `toConnection`.
 *
 * @since 0.1.0
 * @category options
 */
export interface ConnectionOptions extends Pick<CoreSocketOptions.StreamOptions, "closeTimeout"> {
  /** Default: that of the Duplex if it is a socket, otherwise a Unix-domain socket without a path. */
  readonly localAddress?: NetAddress.SocketAddress | undefined
  /** Default: as for `localAddress`. */
  readonly remoteAddress?: NetAddress.SocketAddress | undefined
}

/**
 * Makes a connection of a Duplex of bytes, such as a socket, a pipe of a child process or one end of a `duplexPair`:
 * framings, pipes and deadlines work on it. The Scope closes it.
 *
 * Fails with `InvalidOption`, also for a Duplex in object mode.
 *
 * **Example** (lines over any Duplex)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/core/Framing"
 * import * as NodeDuplex from "@sluice/node/NodeDuplex"
 * import * as Effect from "effect/Effect"
 * import type { Duplex } from "node:stream"
 *
 * const ask = (duplex: Duplex) =>
 *   Effect.scoped(Effect.gen(function*() {
 *     const lines = yield* Framed.make(yield* NodeDuplex.toConnection(duplex), Framing.lines())
 *     return yield* Framed.request(lines, "hello")
 *   }))
 * ```
 *
 * **Details**
 *
 * - The peer's end (`end`) leaves the output open: `allowHalfOpen` of the Duplex is set. `Connection.end` ends the Duplex.
 * - A reset calls `resetAndDestroy` where there is one, and otherwise destroys the Duplex with an error whose `code` is
 *   `"ECONNRESET"`. A Duplex that closes before both sides have ended is a `ConnectionReset`.
 * - Chunks are copied before they are written, because a Duplex may keep them.
 * - The Duplex belongs to the connection. Do not read or write it otherwise.
 *
 * @since 0.1.0
 * @category constructors
 */
export const toConnection = (
  duplex: Duplex,
  options: ConnectionOptions = {}
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Scope.Scope> => makeConnection(duplex, options)

/**
 * A server of Node's: of node:net, node:http, node:http2, or of a library that emits `connection`.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeServer {
  readonly emit: (event: "connection", socket: Duplex) => unknown
  /** Default: `true`: servers of Node's end their output by themselves. */
  readonly allowHalfOpen?: boolean | undefined
  readonly highWaterMark?: number | undefined
  readonly pauseOnConnect?: boolean | undefined
}

/**
 * A handler for a Sluice `Server` that gives each connection to a server of Node's, as its `connection` event. The
 * connection is closed when the socket is. An interrupted handler destroys it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const serve = (server: NodeServer) => (connection: Connection.Connection): Effect.Effect<void> =>
  handOver(server, connection)

/**
 * Where a socket connects to, as the options of `net.connect` say it, and those of node:http.
 *
 * @since 0.1.0
 * @category options
 */
export interface ConnectOptions extends SocketOptions {
  /** Default, with a `port`: `"localhost"`. */
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  /** Of a Unix-domain socket, where there is no `port`. */
  readonly path?: string | null | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** Calls `setTimeout` with it, in milliseconds. */
  readonly timeout?: number | undefined
}

/**
 * Called when the socket is connected. Callbacks with parameters, which node:http gives, are called without arguments.
 *
 * @since 0.1.0
 * @category models
 */
export type OnConnect = (...args: ReadonlyArray<never>) => void

/**
 * What connects sockets.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connector {
  /** As `net.connect`: for options such as `createConnection` of node:http, and `stream` of database drivers. */
  readonly connect: {
    (options: ConnectOptions, onConnect?: OnConnect): Duplex
    (port: number, host?: string, onConnect?: OnConnect): Duplex
    (path: string, onConnect?: OnConnect): Duplex
  }
  /** As `new net.Socket()`: a socket with a `connect` method of its own. */
  readonly create: (options?: SocketOptions) => Duplex & {
    readonly connect: (port: number, host?: string, onConnect?: OnConnect) => unknown
  }
}

/**
 * Makes a `Connector` over the `Network`. Closing the Scope closes all its connections.
 *
 * `options` are those of `Network.connect`, for every connection. With `tls`, connections are made over TLS.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connector = (
  options: CoreSocketOptions.ConnectOptions = {}
): Effect.Effect<Connector, never, Network.Network | Scope.Scope> => makeConnector(options)

/**
 * Options of an agent: those of `Network.connect`, for every connection, and Node's.
 *
 * @since 0.1.0
 * @category options
 */
export interface AgentOptions extends CoreSocketOptions.ConnectOptions {
  /** How connections are pooled and kept alive. Default: `{ keepAlive: true }`. */
  readonly agent?: Http.AgentOptions | undefined
}

/**
 * Makes an agent of node:http whose connections are Sluice's; with `tls`, one of node:https. Closing the Scope closes them.
 *
 * **Example**
 *
 * ```ts
 * import * as NodeDuplex from "@sluice/node/NodeDuplex"
 * import * as Effect from "effect/Effect"
 * import * as Http from "node:http"
 * import * as Https from "node:https"
 *
 * const requests = Effect.gen(function*() {
 *   const agent = yield* NodeDuplex.agent({ connectTimeout: "2 seconds", agent: { maxSockets: 10 } })
 *   const secure = yield* NodeDuplex.agent({ tls: {} })
 *   Http.get("http://127.0.0.1:8080/", { agent })
 *   Https.get("https://localhost:8443/", { agent: secure })
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const agent = (
  options: AgentOptions = {}
): Effect.Effect<Http.Agent, never, Network.Network | Scope.Scope> => clients.makeAgent(options)

/**
 * What undici's `Agent`, `Client` and `Pool` take as `connect`.
 *
 * @since 0.1.0
 * @category models
 */
export type UndiciConnect = (
  options: { readonly hostname: string; readonly port: string; readonly protocol: string },
  callback: (...result: [error: Error, socket: null] | [error: null, socket: Net.Socket]) => void
) => void

/**
 * Makes the `connect` of undici's clients. Connections to `https:` URLs are made with `tls`; its `applicationProtocols`
 * decide whether HTTP/2 is offered. Closing the Scope closes all connections.
 *
 * `options` are those of `Network.connect`, for every connection.
 *
 * @since 0.1.0
 * @category constructors
 */
export const undiciConnect = (
  options: CoreSocketOptions.ConnectOptions = {}
): Effect.Effect<UndiciConnect, never, Network.Network | Scope.Scope> => clients.makeUndiciConnect(options)
