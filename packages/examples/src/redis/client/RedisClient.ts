/**
 * A client of Redis that many fibers share: their commands are pipelined over one connection, which is made again when it is
 * lost.
 */
import * as FramedClient from "@sluice/client/FramedClient"
import * as Reconnecting from "@sluice/client/Reconnecting"
import * as Connection from "@sluice/core/Connection"
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type Command,
  commandOf,
  type CommandRefused,
  framing,
  plainValue,
  type Reply,
  type Value,
  valueOf
} from "./wire.ts"

/** Why there is no connection. */
type ConnectFailure = Framed.FramedError | Framed.OutOfStep | CommandRefused

/** Why a command has no answer: Redis refused it, or the connection was lost, and `sent` tells whether Redis may have got it. */
export type Failure = CommandRefused | FramingError | FramedClient.RequestFailed<ConnectFailure>

export interface Options {
  /** Where Redis is: `tcp://127.0.0.1:6379`, `tls://…` or `unix:///…`. */
  readonly endpoint: Endpoint.Endpoint | string
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
  /** What Redis calls this client in `CLIENT LIST`. */
  readonly name?: string | undefined
  /** How long a command may wait for its answer before the connection is given up. Default: 30 seconds. */
  readonly answerTimeout?: Duration.Input | undefined
  /** When to connect again. Default: at once, then every half second. */
  readonly schedule?: Schedule.Schedule<unknown> | undefined
}

/** A connection for commands that wait, such as `XREAD BLOCK`. */
export interface Reserved {
  readonly send: (...words: ReadonlyArray<string>) => Effect.Effect<Value, ConnectFailure>
  /** Sends commands together, in this order, and returns their answers: a refusal in the place of a value. */
  readonly sendAll: (
    commands: ReadonlyArray<ReadonlyArray<string>>
  ) => Effect.Effect<ReadonlyArray<Result.Result<Value, CommandRefused>>, ConnectFailure>
}

export class RedisClient extends Context.Service<RedisClient, {
  /** Sends a command. Not for commands that wait: all others would wait with it. */
  readonly send: (...words: ReadonlyArray<string>) => Effect.Effect<Value, Failure>
  /** Opens a connection of its own, which is closed with the Scope. Closing it fails what is in flight. */
  readonly reserve: Effect.Effect<Reserved, ConnectFailure, Scope.Scope>
  /** Subscribes to a channel, and again whenever the connection was lost; what is published meanwhile is missed. */
  readonly subscribe: (channel: string) => Effect.Effect<Stream.Stream<string, ConnectFailure>, never, Scope.Scope>
}>()("@sluice/examples/RedisClient") {}

export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<RedisClient["Service"], NetworkError.NetworkError, Network.Network | Scope.Scope> {
  const network = yield* Network.Network
  const schedule = options.schedule ?? Schedule.jittered(Schedule.spaced("500 millis"))
  const connect = Network.connect(options.endpoint, { connectTimeout: "5 seconds" }).pipe(
    Effect.flatMap(Framed.make(framing)),
    Effect.provideService(Network.Network, network)
  )
  const greet = (framed: Framed.Framed<Command, Reply>) =>
    Effect.forEach(greetings(options), (words) => ask(framed, words), { discard: true })
  const client = yield* FramedClient.make({ connect, onConnect: greet, answerTimeout: options.answerTimeout, schedule })

  const reserve = Effect.gen(function*() {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const framed = yield* Scope.provide(connect, scope)
    yield* greet(framed)
    // What is in flight must not wait for its answer when the connection is closed.
    yield* Effect.addFinalizer(() => Effect.andThen(Connection.abort(framed.connection), Scope.close(scope, Exit.void)))
    return {
      send: (...words: ReadonlyArray<string>) => ask(framed, words),
      sendAll: (commands: ReadonlyArray<ReadonlyArray<string>>) => askAll(framed, commands)
    }
  })

  const subscribe = Effect.fnUntraced(function*(channel: string) {
    const subscriber = yield* Effect.orDie(Reconnecting.make({
      connect,
      onConnect: (framed) => Effect.andThen(greet(framed), ask(framed, ["SUBSCRIBE", channel])),
      schedule
    }))
    yield* Effect.ignore(Reconnecting.connected(subscriber))
    return Stream.filterMap(Reconnecting.messages(subscriber), messageOf)
  })

  return RedisClient.of({
    send: (...words) =>
      Effect.flatMap(
        FramedClient.request(client, commandOf(words)),
        (reply) => Effect.fromResult(valueOf(reply, words[0]!))
      ),
    reserve,
    subscribe
  })
})

/** The client as a service, for as long as the Layer. */
export const layer = (options: Options): Layer.Layer<RedisClient, NetworkError.NetworkError, Network.Network> =>
  Layer.effect(RedisClient, make(options))

const ask = (framed: Framed.Framed<Command, Reply>, words: ReadonlyArray<string>) =>
  Effect.flatMap(Framed.request(framed, commandOf(words)), (reply) => Effect.fromResult(valueOf(reply, words[0]!)))

const askAll = (
  framed: Framed.Framed<Command, Reply>,
  commands: ReadonlyArray<ReadonlyArray<string>>
): Effect.Effect<ReadonlyArray<Result.Result<Value, CommandRefused>>, ConnectFailure> =>
  Effect.andThen(
    Framed.sendAll(framed, commands.map(commandOf)),
    Effect.forEach(commands, ([command = ""]) =>
      Effect.flatMap(Framed.receive(framed), (reply) =>
        reply._tag === "Some"
          ? Effect.succeed(valueOf(reply.value, command))
          : ended(framed)))
  )

/** The connection ended instead of a reply. */
const ended = ({ connection }: Framed.Framed<Command, Reply>) =>
  Effect.fail(
    NetworkError.make("read", Connection.formatPeer(connection), new NetworkError.UnexpectedEnd({ received: 0 }))
  )

/** The text of a published message; other messages are about subscribing. */
const messageOf = (reply: Reply): Result.Result<string, Reply> => {
  const value = plainValue(reply)
  const [what, , message] = Array.isArray(value) ? value as ReadonlyArray<Value> : []
  return what === "message" && typeof message === "string" ? Result.succeed(message) : Result.fail(reply)
}

const greetings = ({ name, password, username }: Options): ReadonlyArray<ReadonlyArray<string>> => [
  ...password === undefined
    ? []
    : [["AUTH", ...username === undefined ? [] : [username], Redacted.value(password)]],
  ...name === undefined ? [] : [["CLIENT", "SETNAME", name]]
]
