/** `metrics`: an echo server that can be watched from outside. */
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import { launch, workers } from "../cli/workers.ts"
import { echo } from "../echo/server.ts"

// Loaded by this program alone: HTTP takes as long to load as all the rest.
const exporters = Effect.promise(() => import("./exporters.ts"))

const otlp = Flag.String("otlp").pipe(
  Flag.withMetavar("url"),
  Flag.withDescription("Send a span for each connection to this collector, such as http://127.0.0.1:4318/v1/traces"),
  Flag.optional
)

export const metrics = Command.make(
  "metrics",
  {
    ...flags.server(12346),
    metricsHost: flags.hostNamed(
      "metrics-host",
      "Name or IP address for /metrics; default: 127.0.0.1, whatever --host is"
    ),
    metricsPort: flags.port(9464, "metrics-port"),
    otlp,
    workers
  },
  (options) => {
    const Echo = Layer.unwrap(
      Effect.map(
        flags.serverOptions(options),
        (server) => Server.layer({ ...server, span: Option.isSome(options.otlp) }, echo)
      )
    )
    const at = { host: Host.formatHost(options.metricsHost), port: options.metricsPort }
    const Traces = Option.match(options.otlp, {
      onNone: () => Layer.empty,
      onSome: (url) => Layer.unwrap(Effect.map(exporters, (exporters) => exporters.otlp(url)))
    })
    return launch(options, Layer.provide(Echo, [NodeNetwork.layer, Traces]), {
      alone: Layer.unwrap(Effect.map(exporters, ({ prometheus }) => prometheus(at))),
      supervisor: Layer.unwrap(Effect.map(exporters, ({ ofWorkers }) => ofWorkers(at)))
    })
  }
).pipe(Command.withDescription("An echo server that serves /metrics to Prometheus and sends traces by OTLP"))
