import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, optionalInteger } from "@sluice/core/Options"
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Pipeable from "effect/Pipeable"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Reconnecting from "../../Reconnecting.ts"
import { NotConnected } from "../errors.ts"
import { monotonicMillis } from "../monotonic.ts"
import { plural } from "../plural.ts"
import { retrying } from "../retrying.ts"
import { Inbox } from "./inbox.ts"

export const typeId = "~@sluice/client/Reconnecting"

type Error<E> = E | Framed.FramedError

/** What a client consists of. */
export interface Client<in out Out, in out In, in out E> {
  readonly inbox: Inbox<In, Error<E>>
  /** Messages that wait for a connection, and how many may. */
  readonly outbox: Array<Out>
  readonly outboxCapacity: number
  /** Completes when the client is to end. */
  readonly closing: Deferred.Deferred<void>
  readonly ended: Deferred.Deferred<void>
  /** The connection to send on, while there is one. */
  current: Framed.Framed<Out, In> | undefined
  /** Gives up the connection, on which sending has failed. */
  lose: ((error: Error<E>) => void) | undefined
}

class ReconnectingValue<in out Out, in out In, in out E> extends Pipeable.Class
  implements Reconnecting.Reconnecting<Out, In, E>
{
  readonly [typeId]: Client<Out, In, E>
  readonly state: SubscriptionRef.SubscriptionRef<Reconnecting.State<E>>

  constructor(client: Client<Out, In, E>, state: SubscriptionRef.SubscriptionRef<Reconnecting.State<E>>) {
    super()
    this[typeId] = client
    this.state = state
  }
}

export const make = Effect.fnUntraced(function*<Out, In, E1, R1, E2 = never, R2 = never, R3 = never>(
  options: Reconnecting.Options<Out, In, E1, R1, E2, R2, R3>
): Effect.fn.Return<
  Reconnecting.Reconnecting<Out, In, E1 | E2>,
  NetworkError.NetworkError,
  Scope.Scope | R3 | Exclude<R1 | R2, Scope.Scope>
> {
  type E = E1 | E2
  const { connectTimeout, outboxCapacity, resetAfter, undelivered } = yield* Effect.fromResult(check(options))
  const clock = yield* Clock.Clock
  const state = yield* SubscriptionRef.make<Reconnecting.State<E>>({ _tag: "Connecting", attempt: 1 })
  const client: Client<Out, In, E> = {
    inbox: new Inbox(yield* Queue.unbounded<In, Error<E> | Cause.Done>()),
    outbox: [],
    outboxCapacity,
    closing: yield* Deferred.make<void>(),
    ended: yield* Deferred.make<void>(),
    current: undefined,
    lose: undefined
  }
  const closing = Deferred.await(client.closing)
  const broken: Effect.Effect<never, Error<E>> = Effect.callback((resume) => {
    client.lose = (error) => resume(Effect.fail(error))
  })
  // What the last connection has left would be taken for messages of the next.
  const forget = undelivered === "keep" ? Effect.void : Effect.flatMap(client.inbox.clear, (count) =>
    count === 0
      ? Effect.void
      : Effect.logWarning(`dropped ${plural(count, "message")} of the last connection, not received in time`))
  const connect = options.connect.pipe(
    Effect.tap(forget),
    Effect.tap((framed) => options.onConnect?.(framed) ?? Effect.void),
    Effect.timeoutOrElse({
      duration: Duration.millis(connectTimeout),
      orElse: () => Effect.fail(timedOut(connectTimeout))
    })
  )
  let connectedAt: number | undefined

  // One connection, from connecting to its loss; `undefined` when the client is to end.
  const once: Effect.Effect<Error<E> | undefined, Error<E>, Exclude<R1 | R2, Scope.Scope>> = Effect.scoped(
    Effect.raceFirst(
      Effect.as(closing, undefined),
      Effect.gen(function*() {
        const framed = yield* connect
        const sending = Effect.gen(function*() {
          yield* flush(client, framed)
          connectedAt = monotonicMillis(clock)
          yield* SubscriptionRef.set(state, { _tag: "Connected", since: clock.currentTimeMillisUnsafe() })
          return yield* Effect.never
        })
        // Both at once: a peer whose answers nobody takes may take nothing either.
        yield* Effect.raceAllFirst([sending, client.inbox.fill(framed), broken])
        return peerEnded(framed)
      })
    ).pipe(
      Effect.ensuring(Effect.sync(() => {
        client.current = undefined
        client.lose = undefined
      }))
    )
  )

  const life = retrying({
    clock,
    closing,
    once,
    schedule: options.schedule,
    resetAfter,
    connectedAt: () => connectedAt,
    onWaiting: ({ attempt, delay, error }) =>
      SubscriptionRef.set(state, {
        _tag: "Waiting",
        until: clock.currentTimeMillisUnsafe() + delay,
        attempt,
        error
      }),
    onConnecting: (attempt) =>
      Effect.suspend(() => {
        connectedAt = undefined
        return SubscriptionRef.set(state, { _tag: "Connecting", attempt })
      })
  })

  const finish = (exit: Exit.Exit<Option.Option<Error<E>>>) =>
    Effect.gen(function*() {
      const error = Exit.isSuccess(exit) ? exit.value : Option.none()
      yield* SubscriptionRef.set(state, { _tag: "Closed", error })
      const lost = client.outbox.splice(0).length
      if (lost > 0) {
        yield* Effect.logWarning(
          `dropped ${plural(lost, "message")} that waited for a connection: the client is closed`
        )
      }
      yield* Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
        ? Queue.failCause(client.inbox.queue, exit.cause)
        : Option.isSome(error)
        ? Queue.fail(client.inbox.queue, error.value)
        : Queue.end(client.inbox.queue)
      yield* Deferred.succeed(client.ended, undefined)
    })

  const scope = yield* Effect.scope
  yield* Effect.forkIn(Effect.onExit(life, finish), scope)
  const self = new ReconnectingValue(client, state)
  yield* Effect.addFinalizer((exit) => Exit.isSuccess(exit) ? close(self) : Effect.void)
  return self
})

const check = <Out, In, E1, R1, E2, R2, R3>(options: Reconnecting.Options<Out, In, E1, R1, E2, R2, R3>) =>
  checked("configure", "the reconnecting client", () => {
    const { whileAway = "refuse" } = options
    return {
      undelivered: oneOf("undelivered", options.undelivered ?? "drop", ["drop", "keep"]),
      connectTimeout: duration("connectTimeout", options.connectTimeout ?? "30 seconds", 1),
      resetAfter: duration("resetAfter", options.resetAfter ?? "5 seconds"),
      outboxCapacity: whileAway === "refuse"
        ? 0
        : optionalInteger("whileAway.queue", whileAway.queue, 1, Number.MAX_SAFE_INTEGER) ?? 0
    }
  })

const timedOut = (after: number) =>
  NetworkError.make("connect", "the server", new NetworkError.TimedOut({ deadline: "connect", after }))

const peerEnded = <Out, In>(framed: Framed.Framed<Out, In>) =>
  NetworkError.make(
    "read",
    Connection.formatPeer(framed.connection),
    new NetworkError.UnexpectedEnd({ received: Framed.bufferedUnsafe(framed) })
  )

// Sends what has waited, and from then on lets senders at the connection: what they send meanwhile waits, too.
const flush = <Out, In, E>(
  client: Client<Out, In, E>,
  framed: Framed.Framed<Out, In>
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const message = client.outbox.shift()
    if (message === undefined) {
      client.current = framed
      return Effect.void
    }
    return Framed.send(framed, message).pipe(
      Effect.catchTag(
        "FramingError",
        (error) => Effect.logWarning(`a message that waited is dropped: ${error.message}`)
      ),
      Effect.andThen(flush(client, framed))
    )
  })

export const send: {
  <Out>(
    message: Out
  ): <In, E>(
    self: Reconnecting.Reconnecting<Out, In, E>
  ) => Effect.Effect<void, Framed.FramedError | NotConnected>
  <Out, In, E>(
    self: Reconnecting.Reconnecting<Out, In, E>,
    message: Out
  ): Effect.Effect<void, Framed.FramedError | NotConnected>
} = dual(
  2,
  <Out, In, E>(
    self: Reconnecting.Reconnecting<Out, In, E>,
    message: Out
  ): Effect.Effect<void, Framed.FramedError | NotConnected> =>
    Effect.suspend((): Effect.Effect<void, Framed.FramedError | NotConnected> => {
      const client = self[typeId]
      if (client.current !== undefined) {
        return Effect.tapError(Framed.send(client.current, message), (error) =>
          Effect.sync(() => {
            if (error._tag === "NetworkError") client.lose?.(error)
          }))
      }
      const state = SubscriptionRef.getUnsafe(self.state)._tag
      const queued = client.outbox.length
      if (state === "Closed" || queued >= client.outboxCapacity) {
        return Effect.fail(new NotConnected({ state: state === "Connected" ? "Connecting" : state, queued }))
      }
      client.outbox.push(message)
      return Effect.void
    })
)

export const receive = <Out, In, E>(
  self: Reconnecting.Reconnecting<Out, In, E>
): Effect.Effect<Option.Option<In>, Error<E>> => {
  const { queue, taken } = self[typeId].inbox
  return Queue.take(queue).pipe(
    Effect.tap(() => Effect.sync(taken)),
    Effect.asSome,
    Pull.catchDone(() => Effect.succeedNone)
  )
}

export const messages = <Out, In, E>(
  self: Reconnecting.Reconnecting<Out, In, E>
): Stream.Stream<In, Error<E>> => {
  const { queue, taken } = self[typeId].inbox
  const pull = Queue.takeAll(queue) as Pull.Pull<Arr.NonEmptyReadonlyArray<In>, Error<E>>
  return Stream.fromPull(Effect.succeed(Effect.tap(pull, () => Effect.sync(taken))))
}

export const connected = <Out, In, E>(
  self: Reconnecting.Reconnecting<Out, In, E>
): Effect.Effect<void, Error<E> | NotConnected> =>
  SubscriptionRef.changes(self.state).pipe(
    Stream.filter((state) => state._tag === "Connected" || state._tag === "Closed"),
    Stream.runHead,
    Effect.flatMap((found): Effect.Effect<void, Error<E> | NotConnected> => {
      const state = Option.getOrUndefined(found)
      if (state?._tag === "Connected") return Effect.void
      return state?._tag === "Closed" && Option.isSome(state.error)
        ? Effect.fail(state.error.value)
        : Effect.fail(new NotConnected({ state: "Closed", queued: 0 }))
    })
  )

export const close = <Out, In, E>(self: Reconnecting.Reconnecting<Out, In, E>): Effect.Effect<void> =>
  Effect.andThen(Deferred.succeed(self[typeId].closing, undefined), Deferred.await(self[typeId].ended))
