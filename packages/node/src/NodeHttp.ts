/**
 * Effect's `HttpServer` and `HttpClient` over Sluice: the limits, timeouts, PROXY headers, TLS, draining and events of
 * `Server` apply to HTTP, and both run over any `Network`.
 *
 * **Example** (a server)
 *
 * ```ts
 * import * as NodeHttp from "@sluice/node/NodeHttp"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as HttpServer from "effect/http/HttpServer"
 * import * as HttpServerResponse from "effect/http/HttpServerResponse"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import { createServer } from "node:http"
 *
 * const Main = HttpServer.serve(Effect.succeed(HttpServerResponse.text("hello"))).pipe(
 *   Layer.provide(NodeHttp.layerServer(createServer, {
 *     listen: "tcp://127.0.0.1:8080",
 *     maxConnections: 10_000,
 *     maxConnectionsPerAddress: 100
 *   })),
 *   Layer.provide(NodeNetwork.layer)
 * )
 * ```
 *
 * **Details**
 *
 * 1. Connections are accepted at once, and wait, unread, until an application is served.
 * 2. Draining closes idle connections. Responses in flight finish, with `Connection: close` where their headers were not
 *    sent yet, and then their connections close. HTTP/2 clients get GOAWAY. After the grace period the rest are interrupted,
 *    WebSockets included.
 * 3. `remoteAddress` of a request is the client's, also behind a proxy that sends PROXY headers.
 * 4. `headersTimeout`, `requestTimeout` and `keepAliveTimeout` of the Node server apply. They run on Node's timers, the
 *    timeouts of `Server` on Effect's clock.
 *
 * **Gotchas**
 *
 * - Pass a server without TLS (`http.createServer`, `http2.createServer`), also for `tls://` endpoints: Sluice terminates
 *   TLS. Set `tls.applicationProtocols` to `["http/1.1"]`, or to `["h2"]` for a server of node:http2.
 * - In simulation it runs in virtual time: see `docs/asynchronous.md`.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as NodeServices from "@effect/platform-node/NodeServices"
import type * as Connection from "@sluice/core/Connection"
import type * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Server from "@sluice/core/Server"
import type * as CoreSocketOptions from "@sluice/core/SocketOptions"
import type * as Effect from "effect/Effect"
import type * as Etag from "effect/http/Etag"
import * as EffectHttpClient from "effect/http/HttpClient"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import * as EffectHttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { AgentOptions, IncomingMessage } from "node:http"
import * as client from "./internal/http/client.ts"
import type * as requests from "./internal/http/requests.ts"
import * as server from "./internal/http/server.ts"

/**
 * A server of node:http or node:http2 that does not listen.
 *
 * @since 0.1.0
 * @category models
 */
export type NodeServer = requests.NodeServer

/**
 * An `HttpServer` of Effect's, with the Sluice server that it runs on: for its events, open connections and policy.
 *
 * @since 0.1.0
 * @category models
 */
export type HttpServer = EffectHttpServer.HttpServer["Service"] & { readonly server: Server.Server }

/**
 * Handles a request with an `Upgrade` header, such as that of a WebSocket. It gets the connection before any response was
 * sent, and writes the response itself. HTTP does not use the connection any more.
 *
 * It runs as a handler of `Server.make`, in the fiber and the Scope of the connection, with `Server.draining`. The connection
 * closes when it returns.
 *
 * **Example** (a protocol of lines behind HTTP)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import type * as NodeHttp from "@sluice/node/NodeHttp"
 * import * as Effect from "effect/Effect"
 *
 * const upgrade: NodeHttp.Upgrade<unknown, never> = ({ headers }, connection) =>
 *   headers.upgrade === "echo"
 *     ? Connection.writeText(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n").pipe(
 *       Effect.andThen(Connection.pipeTo(connection, connection))
 *     )
 *     : Connection.writeText(connection, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type Upgrade<E, R> = (
  request: IncomingMessage,
  connection: Connection.Connection
) => Effect.Effect<unknown, E, R>

/**
 * Options of a server: those of `Server.make`, and a handler of upgrades.
 *
 * @since 0.1.0
 * @category options
 */
export interface ServerOptions<E = never, R = never> extends Server.Options {
  /**
   * Handles all requests with an `Upgrade` header, over HTTP/1.1. Default: they reach the application, whose
   * `HttpServerRequest.upgrade` opens WebSockets. Such a WebSocket accepts messages of up to 100 MiB, and writes without
   * backpressure. On a `Connection`, writes wait for the peer, and the framing limits messages.
   */
  readonly upgrade?: Upgrade<E, R> | undefined
}

/**
 * Starts a server that runs until its Scope is closed.
 *
 * `evaluate` makes the Node server, with its timeouts. Fails as `Server.make` does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeServer: <E = never, R = never>(
  evaluate: () => NodeServer,
  options: ServerOptions<E, R>
) => Effect.Effect<HttpServer, NetworkError.NetworkError, Network.Network | Scope.Scope | Exclude<R, Scope.Scope>> =
  server.make

/**
 * `makeServer`, as a Layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = <E = never, R = never>(
  evaluate: () => NodeServer,
  options: ServerOptions<E, R>
): Layer.Layer<
  EffectHttpServer.HttpServer,
  NetworkError.NetworkError,
  Network.Network | Exclude<R, Scope.Scope>
> => Layer.effect(EffectHttpServer.HttpServer)(makeServer(evaluate, options))

/**
 * `layerServer` with the services of `NodeHttpServer.layer`: files, entity tags and the HTTP platform.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E = never, R = never>(
  evaluate: () => NodeServer,
  options: ServerOptions<E, R>
): Layer.Layer<
  EffectHttpServer.HttpServer | NodeServices.NodeServices | HttpPlatform.HttpPlatform | Etag.Generator,
  NetworkError.NetworkError,
  Network.Network | Exclude<R, Scope.Scope>
> => Layer.mergeAll(layerServer(evaluate, options), NodeHttpServer.layerHttpServices)

/**
 * Options of a client: those of `Network.connect`, for every connection. `tls` is for `https:` URLs.
 *
 * @since 0.1.0
 * @category options
 */
export interface ClientOptions extends CoreSocketOptions.ConnectOptions {
  /** How connections are pooled and kept alive. Default: `{ keepAlive: true }`. */
  readonly agent?: AgentOptions | undefined
}

/**
 * Makes an `HttpClient` that connects through the `Network`. Closing the Scope closes its connections.
 *
 * A request that fails to connect fails with a `TransportError` whose `cause` is Node's error, and the cause of that the
 * `NetworkError`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeClient = (
  options: ClientOptions = {}
): Effect.Effect<EffectHttpClient.HttpClient, never, Network.Network | Scope.Scope> => client.make(options)

/**
 * `makeClient`, as a Layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (
  options?: ClientOptions
): Layer.Layer<EffectHttpClient.HttpClient, never, Network.Network> =>
  Layer.effect(EffectHttpClient.HttpClient)(makeClient(options))
