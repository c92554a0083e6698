/**
 * A connection and a framing: a typed duplex of messages.
 *
 * **Example** (a client that asks, and a server that answers)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/core/Framing"
 * import * as Network from "@sluice/core/Network"
 * import * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 *
 * const Shout = Server.layer(
 *   { listen: "tcp://127.0.0.1:12345" },
 *   Framed.serve(Framing.lines(), (line) => Effect.succeed(line.toUpperCase()))
 * )
 *
 * const ask = Effect.scoped(Effect.gen(function*() {
 *   const connection = yield* Network.connect("tcp://127.0.0.1:12345")
 *   const framed = yield* Framed.make(connection, Framing.lines())
 *   return yield* Framed.request(framed, "hello")
 * }))
 * ```
 *
 * **Details**
 *
 * - Every message before a bad one is received before the `FramingError`; from then on there is only that error.
 * - Input that ends inside a message is a `FramingError` with the reason `TruncatedFrame`, and never silence.
 * - No more is read than is asked for, but for one chunk: a receiver that stops stops the peer.
 * - An interrupted `receive` loses nothing. What `send` has begun to write is written whole.
 *
 * **Gotchas**: a byte message is a view of the chunk it came in. Copy it to keep a small one for long.
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import type * as Pull from "effect/Pull"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Connection from "./Connection.ts"
import * as Framing from "./Framing.ts"
import type { FramingError } from "./FramingError.ts"
import type { Reader } from "./internal/connection/receiveQueue.ts"
import type { ConnectionState } from "./internal/connection/state.ts"
import { answers } from "./internal/framed/responder.ts"
import * as NetworkError from "./NetworkError.ts"

/** A connection on which messages of type `Out` are sent and messages of type `In` are received. */
export interface Framed<in Out, out In = Out> {
  readonly connection: Connection.Connection
  readonly decoder: Framing.Decoder<In>
  readonly encoder: Framing.Encoder<Out>
}

/** What can go wrong on a framed connection. */
export type FramedError = NetworkError.NetworkError | FramingError

/** Puts a framing on a connection. Fails with `InvalidFraming` when the framing's options can never work. */
export const make: {
  <Out, In>(
    framing: Framing.Framing<Out, In>
  ): (connection: Connection.Connection) => Effect.Effect<Framed<Out, In>, FramingError>
  <Out, In>(
    connection: Connection.Connection,
    framing: Framing.Framing<Out, In>
  ): Effect.Effect<Framed<Out, In>, FramingError>
} = dual(2, <Out, In>(
  connection: Connection.Connection,
  framing: Framing.Framing<Out, In>
): Effect.Effect<Framed<Out, In>, FramingError> =>
  Effect.map(
    Effect.fromResult(Framing.validate(framing)),
    () => on(connection, Framing.makeDecoder(framing), Framing.makeEncoder(framing))
  ))

const on = <Out, In>(
  connection: Connection.Connection,
  decoder: Framing.Decoder<In>,
  encoder: Framing.Encoder<Out>
): Framed<Out, In> => {
  // What it still has was sent in the clear, for those who ask when the connection is upgraded.
  ;(connection as ConnectionState).decoder = decoder
  return { connection, decoder, encoder }
}

// ---------------------------------------------------------------------------------------------------------------------
// Receiving
// ---------------------------------------------------------------------------------------------------------------------

/** Receives the next message, or `None` once the peer has ended. Receiving again after the end gives `None` again. */
export const receive = <Out, In>(self: Framed<Out, In>): Effect.Effect<Option.Option<In>, FramedError> =>
  Effect.suspend(() => {
    const frame = self.decoder.next()
    if (frame !== Framing.noFrame) return Effect.succeed(Option.some(frame))
    if (self.decoder.error !== undefined) return Effect.fail(self.decoder.error)
    return Effect.flatMap(more(self), (ended) => ended ? last(self) : receive(self))
  })

/**
 * All messages, as a Stream that ends when the peer does. Those of one chunk come together: to change the framing in
 * between, or to upgrade the connection to TLS, use `receive`.
 */
export const messages = <Out, In>(self: Framed<Out, In>): Stream.Stream<In, FramedError> =>
  Stream.fromPull(Effect.succeed(pull(self)))

const pull = <Out, In>(self: Framed<Out, In>): Pull.Pull<Arr.NonEmptyReadonlyArray<In>, FramedError> => {
  const { decoder } = self
  const batch = (whenNone: Pull.Pull<Arr.NonEmptyReadonlyArray<In>, FramedError>) => {
    const frames: Array<In> = []
    for (let frame = decoder.next(); frame !== Framing.noFrame; frame = decoder.next()) frames.push(frame)
    // The error stays, and is there again when the messages before it have been taken.
    if (frames.length > 0) return Effect.succeed(frames as unknown as Arr.NonEmptyReadonlyArray<In>)
    return decoder.error === undefined ? whenNone : Effect.fail(decoder.error)
  }
  const next: Pull.Pull<Arr.NonEmptyReadonlyArray<In>, FramedError> = Effect.suspend(() => batch(fill))
  const fill = Effect.flatMap(more(self), (ended) => ended ? batch(Cause.done()) : next)
  return next
}

const last = <Out, In>({ decoder }: Framed<Out, In>): Effect.Effect<Option.Option<In>, FramingError> => {
  const frame = decoder.next()
  if (frame !== Framing.noFrame) return Effect.succeed(Option.some(frame))
  return decoder.error === undefined ? Effect.succeedNone : Effect.fail(decoder.error)
}

/**
 * Feeds the decoder with what comes next; whether that was the end. What came is never lost: it is in the decoder before
 * anybody waits for it to be. Made once for those who run it again and again, but never twice at a time.
 */
const more = <Out, In>({ connection, decoder }: Framed<Out, In>): Effect.Effect<boolean, NetworkError.NetworkError> => {
  const { input } = connection as ConnectionState
  let settle: (result: Effect.Effect<boolean, NetworkError.NetworkError>) => void
  const reader: Reader = (chunk, error) => {
    if (error !== undefined) return settle(Effect.fail(error))
    if (chunk === undefined) decoder.finish()
    else decoder.feed(chunk)
    settle(chunk === undefined ? ended : fed)
  }
  const forget = Effect.sync(() => input.forget(reader))
  return Effect.callback((resume) => {
    settle = resume
    input.take(reader)
    return forget
  })
}

const ended = Effect.succeed(true)
const fed = Effect.succeed(false)

// ---------------------------------------------------------------------------------------------------------------------
// Sending
// ---------------------------------------------------------------------------------------------------------------------

/** Sends one message. A message that the framing refuses fails with a `FramingError`, and nothing of it is sent. */
export const send: {
  <Out>(message: Out): <In>(self: Framed<Out, In>) => Effect.Effect<void, FramedError>
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<void, FramedError>
} = dual(
  2,
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<void, FramedError> => sendAll(self, [message])
)

/** Sends several messages with one flush. When the framing refuses one of them, those before it are sent. */
export const sendAll: {
  <Out>(messages: Iterable<Out>): <In>(self: Framed<Out, In>) => Effect.Effect<void, FramedError>
  <Out, In>(self: Framed<Out, In>, messages: Iterable<Out>): Effect.Effect<void, FramedError>
} = dual(
  2,
  <Out, In>(self: Framed<Out, In>, messages: Iterable<Out>): Effect.Effect<void, FramedError> =>
    Effect.suspend(() => {
      let refusal: FramingError | undefined
      for (const message of messages) {
        refusal = self.encoder.encode(message)
        if (refusal !== undefined) break
      }
      const written = flush(self)
      return refusal === undefined ? written : Effect.andThen(written, Effect.fail(refusal))
    })
)

const flush = <Out, In>({ connection, encoder }: Framed<Out, In>): Effect.Effect<void, NetworkError.NetworkError> =>
  Connection.writeAll(connection, encoder.drain())

/** Sends a message and receives the next one. Fails with `UnexpectedEnd` when the peer ends instead of answering. */
export const request: {
  <Out>(message: Out): <In>(self: Framed<Out, In>) => Effect.Effect<In, FramedError>
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<In, FramedError>
} = dual(2, <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<In, FramedError> =>
  Effect.flatMap(
    Effect.andThen(send(self, message), receive(self)),
    Option.match({
      onSome: Effect.succeed,
      onNone: () => Effect.fail(noAnswer(self))
    })
  ))

const noAnswer = <Out, In>({ connection, decoder }: Framed<Out, In>): NetworkError.NetworkError =>
  NetworkError.make(
    "read",
    Connection.formatPeer(connection),
    new NetworkError.UnexpectedEnd({ received: decoder.buffered })
  )

/** A Sink that sends every message, those that come together with one flush. */
export const sink = <Out, In>(self: Framed<Out, In>): Sink.Sink<void, Out, never, FramedError> =>
  Sink.forEachArray((messages: ReadonlyArray<Out>) => sendAll(self, messages))

/** Half-closes: everything sent is written, then the peer sees the end; receiving continues. */
export const end = <Out, In>(self: Framed<Out, In>): Effect.Effect<void, NetworkError.NetworkError> =>
  Connection.end(self.connection)

// ---------------------------------------------------------------------------------------------------------------------
// Changing the framing, and serving
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Continues in another framing, from the byte behind the last message that was received: what has been read and not used is
 * carried over. For protocols that upgrade, such as SMTP after `DATA` and HTTP after `CONNECT`. The old `Framed` is not to
 * be used any more.
 */
export const switchTo: {
  <Out2, In2>(
    framing: Framing.Framing<Out2, In2>
  ): <Out, In>(self: Framed<Out, In>) => Effect.Effect<Framed<Out2, In2>, FramingError>
  <Out, In, Out2, In2>(
    self: Framed<Out, In>,
    framing: Framing.Framing<Out2, In2>
  ): Effect.Effect<Framed<Out2, In2>, FramingError>
} = dual(2, <Out, In, Out2, In2>(
  self: Framed<Out, In>,
  framing: Framing.Framing<Out2, In2>
): Effect.Effect<Framed<Out2, In2>, FramingError> =>
  Effect.map(Effect.fromResult(Framing.validate(framing)), () => {
    const { connection, decoder, encoder } = self
    return on(connection, decoder.switchTo(framing), Framing.makeEncoder(framing, { offset: encoder.offset }))
  }))

/**
 * A handler for a `Server` that answers each message with one: the request/reply server in one line. Replies are sent in
 * the order of the requests.
 *
 * With `concurrency` (default: 1) up to that many messages are handled at the same time. A bad message ends the connection, after the
 * replies to those before it.
 */
export const serve = <Out, In, E, R>(
  framing: Framing.Framing<Out, In>,
  handle: (message: In) => Effect.Effect<Out, E, R>,
  options?: { readonly concurrency?: number | "unbounded" | undefined }
) =>
(connection: Connection.Connection): Effect.Effect<void, FramedError | E, R> =>
  Effect.flatMap(make(connection, framing), (framed) => {
    const concurrency = options?.concurrency ?? 1
    return concurrency === 1
      ? answerInTurn(framed, handle)
      : messages(framed).pipe(Stream.mapEffect(handle, { concurrency }), Stream.run(sink(framed)))
  })

const answerInTurn = <Out, In, E, R>(
  framed: Framed<Out, In>,
  handle: (message: In) => Effect.Effect<Out, E, R>
): Effect.Effect<void, FramedError | E, R> =>
  Effect.suspend(() =>
    answers({
      connection: framed.connection as ConnectionState,
      decoder: framed.decoder,
      encoder: framed.encoder,
      handle,
      whenPending: (reply) =>
        Effect.andThen(Effect.flatMap(reply, (message) => send(framed, message)), answerInTurn(framed, handle))
    })
  )
