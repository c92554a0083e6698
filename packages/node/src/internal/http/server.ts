import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeWS from "@effect/platform-node/NodeWS"
import type * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Http from "node:http"
import * as NodeDuplex from "../../NodeDuplex.ts"
import type * as NodeHttp from "../../NodeHttp.ts"
import { type NodeServer, Requests } from "./requests.ts"
import * as upgrading from "./upgrade.ts"

export const make = Effect.fnUntraced(function*<E, R>(
  evaluate: () => NodeServer,
  { upgrade, ...options }: NodeHttp.ServerOptions<E, R>
): Effect.fn.Return<
  NodeHttp.HttpServer,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> {
  const scope = yield* Effect.scope
  const http = evaluate() as Http.Server
  const requests = new Requests(http)
  const serving = Latch.makeUnsafe()
  const serve: Server.Handler<unknown, R> = upgrade === undefined
    ? NodeDuplex.serve(http)
    : upgrading.serve(http, upgrade)

  yield* Effect.acquireRelease(
    // Node begins to watch `headersTimeout` and `requestTimeout` at this event.
    Effect.sync(() => void http.emit("listening")),
    // It was never bound, which `close` reports, and stops watching all the same.
    () => Effect.sync(() => void http.close(() => {}))
  )
  const server = yield* Server.make(
    options,
    (connection) =>
      serving.isOpen()
        ? serve(connection)
        : Effect.raceFirst(Effect.as(serving.await, true), Effect.as(Server.draining, false)).pipe(
          Effect.flatMap((isServing): Effect.Effect<unknown, unknown, R> => isServing ? serve(connection) : Effect.void)
        )
  )
  yield* SubscriptionRef.changes(server.state).pipe(
    Stream.takeUntil((state) => state === "draining" || state === "closed"),
    Stream.runDrain,
    Effect.andThen(Effect.sync(() => requests.drain())),
    Effect.forkScoped({ startImmediately: true })
  )
  // Before the fiber that closes idle connections is interrupted.
  yield* Effect.addFinalizer(() => server.drain)

  const webSockets = yield* Effect.acquireRelease(
    Effect.sync(() => new NodeWS.WebSocketServer({ noServer: true })),
    (webSockets) => Effect.callback<void>((resume) => webSockets.close(() => resume(Effect.void)))
  ).pipe(Scope.provide(scope), Effect.cached)

  const { address, serve: serveApp } = HttpServer.make({
    address: server.address,
    serve: Effect.fnUntraced(function*(app, middleware) {
      const serveScope = yield* Effect.scope
      const settings = { middleware: middleware as never, scope: Scope.forkUnsafe(serveScope, "parallel") }
      const onRequest = yield* NodeHttpServer.makeHandler(app, settings)
      const onUpgrade = yield* NodeHttpServer.makeUpgradeHandler(webSockets, app, settings)
      yield* Effect.addFinalizer(() =>
        Effect.ensuring(
          server.drain,
          Effect.sync(() => http.off("request", onRequest).off("upgrade", onUpgrade))
        )
      )
      http.on("request", onRequest)
      if (upgrade === undefined) http.on("upgrade", onUpgrade)
      serving.openUnsafe()
    }) as Parameters<typeof HttpServer.make>[0]["serve"]
  })
  return { address, serve: serveApp, server }
})
