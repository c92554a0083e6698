import * as Framed from "@sluice/core/Framed"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Reconnecting from "../../Reconnecting.ts"
import { connectTimedOut, type Failure, peerEnded } from "../failure.ts"
import { plural } from "../plural.ts"
import { retrying } from "../retrying.ts"
import type { Client } from "./state.ts"

/** How a client connects. Times are in milliseconds. */
export interface Settings {
  readonly clock: Clock.Clock
  readonly connectTimeout: number
  readonly resetAfter: number
  readonly undelivered: "drop" | "keep"
}

/** Keeps a client connected until it is closed or the schedule has ended. */
export const live = <Out, In, E1, R1, E2, R2, R3>(
  client: Client<Out, In, E1 | E2>,
  options: Reconnecting.Options<Out, In, E1, R1, E2, R2, R3>,
  { clock, connectTimeout, resetAfter, undelivered }: Settings
): Effect.Effect<void, never, R3 | Exclude<R1 | R2, Scope.Scope>> => {
  const { state } = client
  const closing = Deferred.await(client.closing)
  const connecting = options.connect.pipe(
    Effect.tap(undelivered === "keep" ? Effect.void : forget(client)),
    Effect.tap((framed) => options.onConnect?.(framed) ?? Effect.void),
    Effect.timeoutOrElse({
      duration: Duration.millis(connectTimeout),
      orElse: () => Effect.fail(connectTimedOut(connectTimeout))
    })
  )
  const sending = Effect.fnUntraced(function*(framed: Framed.Framed<Out, In>, onConnected: () => void) {
    yield* flush(client, framed)
    onConnected()
    yield* SubscriptionRef.set(state, { _tag: "Connected", since: clock.currentTimeMillisUnsafe() })
    return yield* Effect.never
  })
  const connected = Effect.fnUntraced(function*(onConnected: () => void) {
    const framed = yield* connecting
    // Both at once: a peer whose answers nobody takes may take nothing either.
    yield* Effect.raceAllFirst([sending(framed, onConnected), client.inbox.fill(framed), lost(client)])
    return peerEnded(framed)
  })
  // One connection, from connecting to its loss; `undefined` when the client is to end.
  const once = (onConnected: () => void) =>
    Effect.scoped(
      Effect.ensuring(
        Effect.raceFirst(Effect.as(closing, undefined), connected(onConnected)),
        Effect.sync(() => {
          client.current = undefined
          client.lose = undefined
        })
      )
    )
  return retrying({
    clock,
    closing,
    once,
    schedule: options.schedule,
    resetAfter,
    onWaiting: ({ attempt, delay, error }) =>
      SubscriptionRef.set(state, {
        _tag: "Waiting",
        until: clock.currentTimeMillisUnsafe() + delay,
        attempt,
        error
      }),
    onConnecting: (attempt) => SubscriptionRef.set(state, { _tag: "Connecting", attempt })
  }).pipe(Effect.onExit((exit) => finish(client, exit)), Effect.asVoid)
}

// What the last connection has left would be taken for messages of the next.
const forget = <Out, In, E>({ inbox }: Client<Out, In, E>): Effect.Effect<void> =>
  Effect.flatMap(inbox.clear, (count) =>
    count === 0
      ? Effect.void
      : Effect.logWarning(`dropped ${plural(count, "message")} of the last connection, not received in time`))

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
        (error) => Effect.logWarning(`dropped a message that waited for a connection: ${error.message}`)
      ),
      Effect.andThen(flush(client, framed))
    )
  })

// Fails when sending fails.
const lost = <Out, In, E>(client: Client<Out, In, E>): Effect.Effect<never, Failure<E>> =>
  Effect.callback((resume) => {
    client.lose = (error) => resume(Effect.fail(error))
  })

const finish = <Out, In, E>(
  { ended, inbox: { queue }, outbox, state }: Client<Out, In, E>,
  exit: Exit.Exit<Option.Option<Failure<E>>>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const error = Exit.isSuccess(exit) ? exit.value : Option.none()
    yield* SubscriptionRef.set(state, { _tag: "Closed", error })
    const waiting = outbox.splice(0).length
    if (waiting > 0) {
      yield* Effect.logWarning(
        `dropped ${plural(waiting, "message")} that waited for a connection: the client is closed`
      )
    }
    yield* Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
      ? Queue.failCause(queue, exit.cause)
      : Option.isSome(error)
      ? Queue.fail(queue, error.value)
      : Queue.end(queue)
    yield* Deferred.succeed(ended, undefined)
  })
