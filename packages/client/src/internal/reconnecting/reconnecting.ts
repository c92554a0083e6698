import * as Framed from "@sluice/core/Framed"
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, optionalInteger } from "@sluice/core/Options"
import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Reconnecting from "../../Reconnecting.ts"
import { NotConnected } from "../errors.ts"
import type { Failure } from "../failure.ts"
import { Inbox } from "./inbox.ts"
import { live } from "./life.ts"
import { type Client, ReconnectingValue, typeId } from "./state.ts"

export const make = Effect.fnUntraced(function*<Out, In, E1, R1, E2 = never, R2 = never, R3 = never>(
  options: Reconnecting.Options<Out, In, E1, R1, E2, R2, R3>
): Effect.fn.Return<
  Reconnecting.Reconnecting<Out, In, E1 | E2>,
  NetworkError.NetworkError,
  Scope.Scope | R3 | Exclude<R1 | R2, Scope.Scope>
> {
  const { outboxCapacity, ...settings } = yield* Effect.fromResult(check(options))
  const clock = yield* Clock.Clock
  const client: Client<Out, In, E1 | E2> = {
    state: yield* SubscriptionRef.make<Reconnecting.State<E1 | E2>>({ _tag: "Connecting", attempt: 1 }),
    inbox: new Inbox(yield* Queue.unbounded<In, Failure<E1 | E2> | Cause.Done>()),
    outbox: [],
    outboxCapacity,
    closing: yield* Deferred.make<void>(),
    ended: yield* Deferred.make<void>(),
    current: undefined,
    lose: undefined
  }
  yield* Effect.forkIn(live(client, options, { ...settings, clock }), yield* Effect.scope)
  const self = new ReconnectingValue(client)
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
): Effect.Effect<Option.Option<In>, Failure<E>> => {
  const { queue, taken } = self[typeId].inbox
  return Queue.take(queue).pipe(
    Effect.tap(() => Effect.sync(taken)),
    Effect.asSome,
    Pull.catchDone(() => Effect.succeedNone)
  )
}

export const messages = <Out, In, E>(
  self: Reconnecting.Reconnecting<Out, In, E>
): Stream.Stream<In, Failure<E>> => {
  const { queue, taken } = self[typeId].inbox
  const pull = Queue.takeAll(queue) as Pull.Pull<Arr.NonEmptyReadonlyArray<In>, Failure<E>>
  return Stream.fromPull(Effect.succeed(Effect.tap(pull, () => Effect.sync(taken))))
}

export const connected = <Out, In, E>(
  self: Reconnecting.Reconnecting<Out, In, E>
): Effect.Effect<void, Failure<E> | NotConnected> =>
  SubscriptionRef.changes(self.state).pipe(
    Stream.filter((state) => state._tag === "Connected" || state._tag === "Closed"),
    Stream.runHead,
    Effect.flatMap((found): Effect.Effect<void, Failure<E> | NotConnected> => {
      const state = Option.getOrUndefined(found)
      if (state?._tag === "Connected") return Effect.void
      return state?._tag === "Closed" && Option.isSome(state.error)
        ? Effect.fail(state.error.value)
        : Effect.fail(new NotConnected({ state: "Closed", queued: 0 }))
    })
  )

export const close = <Out, In, E>(self: Reconnecting.Reconnecting<Out, In, E>): Effect.Effect<void> =>
  Effect.andThen(Deferred.succeed(self[typeId].closing, undefined), Deferred.await(self[typeId].ended))
