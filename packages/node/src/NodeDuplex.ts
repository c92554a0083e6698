/**
 * Sluice connections as Node's sockets, for node:http, WebSocket libraries, database drivers and other code that takes a
 * `node:stream` Duplex or a `net.Socket`; and any Duplex as a connection.
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
 * - `destroy` closes the connection in order, and `resetAndDestroy` resets it. Closing the Scope of a socket destroys it.
 * - `setNoDelay` and `setKeepAlive` do nothing: use the options of `Network.connect` and `Server`. `ref` and `unref` do nothing
 *   either. On Node's own sockets, which `serve` passes on, they work.
 * - Sockets work over any `Network`. Over the simulated network they run in virtual time.
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
 * Options of a socket: those of `new net.Socket()`.
 *
 * @since 0.1.0
 * @category options
 */
export interface SocketOptions {
  /** Whether the output stays open after the peer has ended its output. Default: `false`, as in Node. */
  readonly allowHalfOpen?: boolean | undefined
  /** How many bytes are buffered in each direction before `write` returns `false` and reading stops. Default: Node's. */
  readonly highWaterMark?: number | undefined
  readonly readableHighWaterMark?: number | undefined
  readonly writableHighWaterMark?: number | undefined
  /** Aborting it destroys the socket with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes a socket from an open connection. Closing the Scope destroys the socket. `destroy` half-closes the connection, or
 * resets it if a write is in flight; the Scope of the connection closes it.
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
  /** Default: the address of the Duplex if it is a socket, otherwise that of a Unix-domain socket without a path. */
  readonly localAddress?: NetAddress.SocketAddress | undefined
  /** Default: as `localAddress`. */
  readonly remoteAddress?: NetAddress.SocketAddress | undefined
}

/**
 * Makes a connection from a Duplex of bytes, such as a socket, a pipe of a child process or one end of a `duplexPair`, so that
 * framings, pipes and timeouts work on it. Closing the Scope closes the connection.
 *
 * Fails with `InvalidOption`, also if the Duplex is in object mode.
 *
 * **Example** (lines over any Duplex)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
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
 * - The event `end` ends the input only: `allowHalfOpen` of the Duplex is set to `true`. `Connection.end` ends the Duplex.
 * - A reset calls `resetAndDestroy`; a Duplex without that method is destroyed with an error whose `code` is `"ECONNRESET"`. If
 *   the Duplex closes before both sides have ended, the connection fails with `ConnectionReset`.
 * - Chunks are copied before they are written, because a Duplex may keep them.
 * - The Duplex belongs to the connection: do not read from it or write to it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const toConnection = (
  duplex: Duplex,
  options: ConnectionOptions = {}
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Scope.Scope> => makeConnection(duplex, options)

/**
 * A server that takes sockets as `connection` events: of node:net, node:http, node:http2 or a library.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeServer {
  readonly emit: (event: "connection", socket: Duplex) => unknown
  /** Default: `true`, because Node's servers end their output themselves. */
  readonly allowHalfOpen?: boolean | undefined
  readonly highWaterMark?: number | undefined
  readonly pauseOnConnect?: boolean | undefined
}

/**
 * Makes a handler for a Sluice `Server` that passes each connection to a Node server, as a `connection` event. The connection
 * closes when the socket closes. Interrupting the handler destroys the socket.
 *
 * Where the kernel's connection has a `net.Socket`, which is not so over TLS and behind a PROXY header, the server gets that.
 * Meanwhile the connection cannot be read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const serve = (server: NodeServer) => (connection: Connection.Connection): Effect.Effect<void> =>
  handOver(server, connection)

/**
 * Where a socket connects to: the options of `net.connect`, as node:http passes them.
 *
 * @since 0.1.0
 * @category options
 */
export interface ConnectOptions extends SocketOptions {
  /** Default, with a `port`: `"localhost"`. */
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  /** The path of a Unix-domain socket. Ignored if there is a `port`. */
  readonly path?: string | null | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** The inactivity timeout in milliseconds, as of `setTimeout`. */
  readonly timeout?: number | undefined
}

/**
 * Called when the socket is connected, without arguments. The type allows parameters because node:http passes such callbacks.
 *
 * @since 0.1.0
 * @category models
 */
export type OnConnect = (...args: ReadonlyArray<never>) => void

/**
 * Connects sockets over a `Network`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connector {
  /** `net.connect`: for options such as `createConnection` of node:http and `stream` of database drivers. */
  readonly connect: {
    (options: ConnectOptions, onConnect?: OnConnect): Duplex
    (port: number, host?: string, onConnect?: OnConnect): Duplex
    (path: string, onConnect?: OnConnect): Duplex
  }
  /** `new net.Socket()`: a socket that is not connected, with a `connect` method. */
  readonly create: (options?: SocketOptions) => Duplex & {
    readonly connect: (port: number, host?: string, onConnect?: OnConnect) => unknown
  }
}

/**
 * Makes a `Connector` over the `Network`. Closing the Scope closes all its connections.
 *
 * `options` are those of `Network.connect`, for every connection. With `tls`, connections use TLS.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connector = (
  options: CoreSocketOptions.ConnectOptions = {}
): Effect.Effect<Connector, never, Network.Network | Scope.Scope> => makeConnector(options)

/**
 * Options of an agent: those of `Network.connect`, for every connection, and those of Node's agents.
 *
 * @since 0.1.0
 * @category options
 */
export interface AgentOptions extends CoreSocketOptions.ConnectOptions {
  /** How connections are pooled and kept alive. Default: `{ keepAlive: true }`. */
  readonly agent?: Http.AgentOptions | undefined
}

/**
 * Makes an agent of node:http, or with `tls` of node:https, that connects over the `Network`. Closing the Scope closes its
 * connections.
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
 * The option `connect` of undici's `Agent`, `Client` and `Pool`.
 *
 * @since 0.1.0
 * @category models
 */
export type UndiciConnect = (
  options: { readonly hostname: string; readonly port: string; readonly protocol: string },
  callback: (...result: [error: Error, socket: null] | [error: null, socket: Net.Socket]) => void
) => void

/**
 * Makes the option `connect` of undici's clients. Closing the Scope closes all connections.
 *
 * `options` are those of `Network.connect`, for every connection. `tls` is for `https:` URLs; with `"h2"` in its
 * `applicationProtocols`, undici may use HTTP/2.
 *
 * @since 0.1.0
 * @category constructors
 */
export const undiciConnect = (
  options: CoreSocketOptions.ConnectOptions = {}
): Effect.Effect<UndiciConnect, never, Network.Network | Scope.Scope> => clients.makeUndiciConnect(options)
