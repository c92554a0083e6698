/**
 * A bad network: latency, little bandwidth, resets, tiny packets. For staging and for tests of whole systems, where time is
 * real; in tests of programs, `@sluice/simulation` does more.
 *
 * `layer` puts it around the connections of a program, and `relay` between two connections of a proxy. The toxics can be changed
 * while they run. The module uses no API of Node and runs on the simulated network as well.
 *
 * **Example** (a program with a slow network)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as Toxics from "@sluice/node/Toxics"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const SlowNetwork = Layer.unwrap(Effect.map(Toxics.make({ latency: "200 millis" }), Toxics.layer))
 *
 * const Echo = Server.layer({ listen: "tcp://127.0.0.1:7" }, (connection) => Connection.pipeTo(connection, connection))
 *
 * const Main = Echo.pipe(Layer.provide(SlowNetwork), Layer.provide(NodeNetwork.layer))
 * ```
 *
 * **Example** (a proxy in front of a database)
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as Server from "@sluice/core/Server"
 * import * as Toxics from "@sluice/node/Toxics"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Proxy = Layer.unwrap(Effect.map(
 *   Toxics.make({ latency: "100 millis", jitter: "50 millis", bandwidth: "1 MiB" }),
 *   (toxics) =>
 *     Server.layer({ listen: "tcp://127.0.0.1:5433" }, (client) =>
 *       Effect.flatMap(Network.connect("tcp://127.0.0.1:5432"), (server) => Toxics.relay(client, server, toxics)))
 * ))
 * ```
 *
 * @since 0.1.0
 */
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import type * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { makePlatform } from "./internal/toxics/platform.ts"
import { type Outcome, pump } from "./internal/toxics/pump.ts"
import { check, type Settings } from "./internal/toxics/settings.ts"

/**
 * What is wrong with each direction of a connection. Default: nothing.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** How long bytes take. Up to 64 chunks wait for that; then the sender waits. Default: 0. */
  readonly latency?: Duration.Input | undefined
  /** Added to the latency: from 0 up to this, drawn for each chunk. Bytes stay in order. Default: 0. */
  readonly jitter?: Duration.Input | undefined
  /** Bytes per second. Default: no limit. */
  readonly bandwidth?: ByteSize.Input | undefined
  /** The most bytes of one write, or read: programs must be ready for messages in pieces. Default: no limit. */
  readonly slice?: ByteSize.Input | undefined
  /** Resets both connections after N bytes in one direction. Default: never. */
  readonly resetAfter?: ByteSize.Input | undefined
  /** Closes both connections after N bytes in one direction. Default: never. */
  readonly limit?: ByteSize.Input | undefined
  /** Passes nothing on any more, and closes both connections this long after the next bytes. Default: never. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Toxics that can be changed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Toxics {
  /** The options that are in effect. */
  readonly options: Effect.Effect<Options>
  /** Replaces all options, also for open connections: bytes that wait already keep their latency. */
  readonly set: (options: Options) => Effect.Effect<void, NetworkError.NetworkError>
  /** What `layer` and `relay` use. */
  readonly settings: () => Settings
}

/**
 * Makes toxics. Fails with `InvalidOption`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Toxics, NetworkError.NetworkError> =>
  Effect.map(Effect.fromResult(check(options)), (checked) => {
    let current = { options, settings: checked }
    return {
      options: Effect.sync(() => current.options),
      set: (options) =>
        Effect.map(Effect.fromResult(check(options)), (settings) => {
          current = { options, settings }
        }),
      settings: () => current.settings
    }
  })

/**
 * The `Network` of the context, with toxics in both directions of every connection, dialed or accepted, from a listener of
 * this Layer. A connection between two programs that both have the Layer gets them twice.
 *
 * Opening a connection takes no longer, and datagrams are unaffected. On `tls://` the toxics act on what is inside of TLS,
 * and handshakes pass. Up to 1 MiB waits in each direction. A connection that closes still sends what waits, for up to
 * `closeTimeout`: let that be longer than the latency. Fails with `Unsupported` if no `Transport.Platform` is beneath the network.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (toxics: Toxics): Layer.Layer<Network.Network, NetworkError.NetworkError, Network.Network> =>
  Layer.effect(
    Network.Network,
    Effect.gen(function*() {
      const platform = Transport.platformOf(yield* Network.Network)
      if (platform === undefined) {
        const reason = new NetworkError.Unsupported({ feature: "toxics on a Network that has no Transport.Platform" })
        return yield* Effect.fail(NetworkError.make("configure", "the toxics", reason))
      }
      const shared = {
        settings: toxics.settings,
        clock: yield* Clock.Clock,
        random: yield* Random.Random,
        run: Effect.runForkWith(yield* Effect.context<never>())
      }
      return yield* Transport.makeNetwork(makePlatform(platform, shared))
    })
  )

/**
 * Passes on what each of two connections receives to the other, as the toxics say, until both directions have ended, or one is
 * reset or closed by a toxic. It fails as `Connection.relay` does. Half-closes are passed on.
 *
 * @since 0.1.0
 * @category wiring
 */
export const relay = (
  a: Connection.Connection,
  b: Connection.Connection,
  { settings }: Toxics
): Effect.Effect<void, NetworkError.NetworkError> => {
  const direction = (from: Connection.Connection, to: Connection.Connection) =>
    Effect.flatMap(pump(from, to, settings), (outcome) => outcome === "ended" ? Effect.void : Effect.fail(outcome))
  const both = Effect.all([direction(a, b), direction(b, a)], { concurrency: 2, discard: true })
  return Effect.catchIf(both, isOutcome, (outcome) =>
    outcome === "reset"
      ? Effect.andThen(Connection.abort(a), Connection.abort(b))
      : Effect.andThen(Effect.ignore(Connection.end(a)), Effect.ignore(Connection.end(b))))
}

const isOutcome = (failure: NetworkError.NetworkError | Outcome): failure is Outcome => typeof failure === "string"
