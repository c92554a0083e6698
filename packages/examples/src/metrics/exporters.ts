/** Where metrics and traces go: to clients that ask for `/metrics`, and to a collector. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
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

/** Answers `GET /metrics` with all metrics of this process, as Prometheus reads them, and prints where. */
export const prometheus = (options: { readonly host: string; readonly port: number }) =>
  Layer.mergeAll(
    HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }),
    Layer.effectDiscard(printAddress)
  ).pipe(
    // A request that never becomes whole does not keep the program from ending.
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
