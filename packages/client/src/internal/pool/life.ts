import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { clientClosed, connectTimedOut, type Failure, failureOf, peerEnded } from "../failure.ts"
import { monotonicMillis } from "../monotonic.ts"
import { retrying } from "../retrying.ts"
import type { Channel } from "./channel.ts"
import type { Target } from "./target.ts"

/** How a client opens, uses and closes its connections. Times are in milliseconds. */
export interface Life<Out, In, E1, R1, E2, R2, R3, R4> {
  readonly clock: Clock.Clock
  readonly connect: (target: Target<Out, In, E1 | E2>) => Effect.Effect<Framed.Framed<Out, In>, E1, R1>
  readonly onConnect: ((framed: Framed.Framed<Out, In>) => Effect.Effect<unknown, E2, R2>) | undefined
  readonly onPush: ((message: In) => Effect.Effect<unknown, never, R4>) | undefined
  /** A connection has been opened, or lost. */
  readonly onChange: () => void
  readonly schedule: Schedule.Schedule<unknown, Failure<E1 | E2>, never, R3> | undefined
  readonly answerTimeout: number
  readonly connectTimeout: number
  readonly resetAfter: number
}

/** Keeps the connections of an endpoint open, until it is closed or the schedule has ended. */
export const live = <Out, In, E1, R1, E2, R2, R3, R4>(
  target: Target<Out, In, E1 | E2>,
  life: Life<Out, In, E1, R1, E2, R2, R3, R4>
): Effect.Effect<void, never, R3 | R4 | Exclude<R1 | R2, Scope.Scope>> =>
  Effect.forEach(target.channels, (channel) => liveOn(channel, target, life), { concurrency: "unbounded" }).pipe(
    Effect.map((ends) => {
      target.over = Option.getOrUndefined(ends.find(Option.isSome) ?? Option.none())
    })
  )

const liveOn = <Out, In, E1, R1, E2, R2, R3, R4>(
  channel: Channel<Out, In, E1 | E2>,
  target: Target<Out, In, E1 | E2>,
  life: Life<Out, In, E1, R1, E2, R2, R3, R4>
) => {
  type E = E1 | E2
  const { answerTimeout, clock, connectTimeout } = life
  const now = () => monotonicMillis(clock)
  const connecting = Effect.suspend(() => life.connect(target)).pipe(
    Effect.tap((framed) => life.onConnect?.(framed) ?? Effect.void),
    Effect.timeoutOrElse({
      duration: Duration.millis(connectTimeout),
      orElse: () => Effect.fail(connectTimedOut(connectTimeout))
    })
  )
  const receiving = (framed: Framed.Framed<Out, In>) =>
    Stream.runForEach(
      Framed.messages(framed),
      (message) => channel.answer(message) ? Effect.void : life.onPush?.(message) ?? Effect.void
    )
  // A request without an answer blocks all requests behind it.
  const watching = (framed: Framed.Framed<Out, In>): Effect.Effect<never, NetworkError.NetworkError> =>
    Effect.suspend(() => {
      const left = (channel.waitingSince ?? now()) + answerTimeout - now()
      if (left > 0) return Effect.andThen(Effect.sleep(Duration.millis(left)), watching(framed))
      const reason = new NetworkError.TimedOut({ deadline: "read", after: answerTimeout })
      return Effect.fail(NetworkError.make("read", Connection.formatPeer(framed.connection), reason))
    })
  const once = (onConnected: () => void) =>
    Effect.scoped(Effect.raceFirst(
      Effect.as(target.closing, undefined),
      Effect.gen(function*() {
        const framed = yield* connecting
        channel.open(framed)
        onConnected()
        life.onChange()
        yield* Effect.raceFirst(receiving(framed), watching(framed))
        return peerEnded(framed)
      })
    )).pipe(
      Effect.onExit((exit: Exit.Exit<Failure<E> | undefined, Failure<E>>) =>
        Effect.sync(() => {
          channel.lose(reasonOf(exit))
          life.onChange()
        })
      )
    )
  return retrying({
    clock,
    closing: target.closing,
    once,
    schedule: life.schedule,
    resetAfter: life.resetAfter
  })
}

const reasonOf = <E>(exit: Exit.Exit<Failure<E> | undefined, Failure<E>>): Failure<E> =>
  Exit.isSuccess(exit) ? exit.value ?? clientClosed() : failureOf(exit.cause)
