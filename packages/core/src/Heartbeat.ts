/**
 * Pings that the two programs exchange themselves, to detect a peer that disappeared without closing.
 *
 * TCP by itself notices after minutes or hours, and only that the other machine is gone, not that its program hangs. A
 * heartbeat notices within seconds, whatever the reason.
 *
 * **Example** (a client of a protocol that has `PING` and `PONG`)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Heartbeat from "@sluice/core/Heartbeat"
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const connect = Effect.gen(function*() {
 *   const connection = yield* Network.connect("tcp://127.0.0.1:6667")
 *   const framed = yield* Framed.make(connection, Framing.lines())
 *   return yield* Heartbeat.make(framed, {
 *     ping: () => "PING",
 *     isPong: (line) => line === "PONG",
 *     pong: (line) => line === "PING" ? "PONG" : undefined
 *   })
 * })
 * ```
 *
 * **Details**
 *
 * 1. When nothing has come from the peer for `interval`, a ping is sent.
 * 2. When nothing comes within `timeout` of that either, the connection is reset, and everything that waits on it fails
 *    with `TimedOut` and the deadline `"heartbeat"`. Anything that comes is a sign of life, not only an answer.
 * 3. Pings and pongs are not received as messages.
 *
 * **Gotchas**: a message from the peer counts when it is received. While no fiber receives, no time counts against the peer.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Scope from "effect/Scope"
import * as Framed from "./Framed.ts"
import { watch, WithoutHeartbeats } from "./internal/framed/heartbeat.ts"
import { FramedState, stateOf } from "./internal/framed/state.ts"
import type * as NetworkError from "./NetworkError.ts"
import { checked, duration } from "./Options.ts"

/**
 * How the peer is watched.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out Out, in In> {
  /** A ping is sent when nothing has come for so long. Default: 15 seconds. */
  readonly interval?: Duration.Input | undefined
  /** So long the peer may take to send something after a ping. Default: 10 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** Makes a ping. */
  readonly ping: () => Out
  /** Whether a message is the answer to a ping, and nothing else. Default: none is. */
  readonly isPong?: ((message: In) => boolean) | undefined
  /**
   * The answer to a message if that is a ping of the peer's, and `undefined` if it is not. Default: there are no such
   * pings. Of pings that come faster than they can be answered, the last one is.
   */
  readonly pong?: ((message: In) => Out | undefined) | undefined
}

/**
 * Watches the peer of a framed connection as long as the Scope is open. Messages are received from the `Framed` that it
 * gives, and not from the one it was given. Fails with `InvalidOption`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <Out, In>(
    options: Options<Out, In>
  ): (framed: Framed.Framed<Out, In>) => Effect.Effect<
    Framed.Framed<Out, In>,
    NetworkError.NetworkError,
    Scope.Scope
  >
  <Out, In>(
    framed: Framed.Framed<Out, In>,
    options: Options<Out, In>
  ): Effect.Effect<Framed.Framed<Out, In>, NetworkError.NetworkError, Scope.Scope>
} = dual(
  2,
  Effect.fnUntraced(function*<Out, In>(framed: Framed.Framed<Out, In>, options: Options<Out, In>) {
    const { connection, decoder, encoder } = stateOf(framed)
    const times = yield* Effect.fromResult(checked("configure", connection.peer, () => ({
      interval: duration("interval", options.interval ?? "15 seconds", 1),
      timeout: duration("timeout", options.timeout ?? "10 seconds", 1)
    })))
    const scope = yield* Effect.scope
    const run = yield* Effect.context<never>()
    const ping = Effect.suspend(() => Framed.send(framed, options.ping())).pipe(
      Effect.catchTag("FramingError", (error) => Effect.logWarning(`the ping cannot be sent: ${error.message}`)),
      Effect.ignore
    )
    const watching = watch(connection, { ...times, ping, clock: yield* Clock.Clock, scope })
    yield* Effect.forkIn(Effect.raceFirst(watching, connection.closed), scope)
    const answer = (pong: Out) => Framed.send(framed, pong)
    return new FramedState(connection, new WithoutHeartbeats(decoder, options, answer, scope, run), encoder)
  })
)
