/** Where metrics and traces go: to clients that ask for `/metrics`, and to a collector. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Workers from "@sluice/node/Workers"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { createServer } from "node:http"

/** The address of `/metrics` cannot be had. */
export class MetricsFailed extends Data.TaggedError("MetricsFailed")<{ readonly message: string }> {}

const printAddress = Effect.flatMap(
  HttpServer.HttpServer,
  ({ address }) => Console.log(`Metrics on ${HttpServer.formatAddress(address)}/metrics`)
)

interface Address {
  readonly host: string
  readonly port: number
}

/** Answers `GET /metrics` with all metrics of this process, as Prometheus reads them, and prints where. */
export const prometheus = (address: Address) => serve(PrometheusMetrics.layerHttp(), address)

/** Answers `GET /metrics` with the metrics of all workers, and `GET /connections` with their open connections. */
export const ofWorkers = (address: Address) => serve(routesOfWorkers, address)

const routesOfWorkers = Layer.effectDiscard(Effect.gen(function*() {
  const router = yield* HttpRouter.HttpRouter
  const { connections, metrics } = yield* Workers.Workers
  const contentType = "text/plain; version=0.0.4; charset=utf-8"
  yield* router.add("GET", "/metrics", Effect.map(metrics, (text) => HttpServerResponse.text(text, { contentType })))
  yield* router.add("GET", "/connections", Effect.flatMap(connections, (all) => HttpServerResponse.json(all)))
}))

const serve = <R>(routes: Layer.Layer<never, never, R>, options: Address) =>
  Layer.mergeAll(
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }),
    Layer.effectDiscard(printAddress)
  ).pipe(
    // An incomplete request must not keep the program from ending.
    Layer.provide(NodeHttpServer.layer(() => createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }), {
      ...options,
      gracefulShutdownTimeout: "1 second"
    })),
    Layer.catch(({ cause }) =>
      Layer.effectDiscard(Effect.fail(new MetricsFailed({ message: `cannot serve metrics: ${String(cause)}` })))
    )
  )

/** Sends spans to a collector, as OTLP in JSON, every other second. */
export const otlp = (url: string) =>
  OtlpTracer.layer({ url, exportInterval: "2 seconds", resource: { serviceName: "sluice-echo" } }).pipe(
    Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer])
  )
