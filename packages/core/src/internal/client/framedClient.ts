import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Pipeable from "effect/Pipeable"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Connection from "../../Connection.ts"
import * as Framed from "../../Framed.ts"
import type * as FramedClient from "../../FramedClient.ts"
import type { FramingError } from "../../FramingError.ts"
import * as NetworkError from "../../NetworkError.ts"
import { checked, duration, integer } from "../../Options.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import { Channel } from "./channel.ts"
import { RequestFailed } from "./errors.ts"
import { retrying } from "./retrying.ts"
import { Slots } from "./slots.ts"

export const TypeId = "~@sluice/core/FramedClient"

type Failure<E> = E | Framed.FramedError

/** The state behind a client. */
export class ClientState<in out Out, in out In, in out E> extends Pipeable.Class
  implements FramedClient.FramedClient<Out, In, E>
{
  declare readonly [TypeId]: FramedClient.Variance<Out, In, E>
  readonly slots: Slots
  readonly channels: ReadonlyArray<Channel<Out, In, E>>
  /** Open while there is a connection, and for good when there will be none. */
  readonly ready = Latch.makeUnsafe()
  /** Why there will be no connection any more. */
  over: Failure<E> | undefined = undefined

  constructor(slots: Slots, channels: ReadonlyArray<Channel<Out, In, E>>) {
    super()
    this.slots = slots
    this.channels = channels
  }

  get connections(): number {
    return this.channels.filter((channel) => channel.isOpen).length
  }

  /** Looks whether there is a connection. */
  settle(): void {
    if (this.over !== undefined || this.connections > 0) this.ready.openUnsafe()
    else this.ready.closeUnsafe()
  }

  /** The connection with the fewest requests in flight. */
  get idlest(): Channel<Out, In, E> | undefined {
    let found: Channel<Out, In, E> | undefined
    for (const channel of this.channels) {
      if (channel.isOpen && (found === undefined || channel.pending < found.pending)) found = channel
    }
    return found
  }
}

export const stateOf = <Out, In, E>(self: FramedClient.FramedClient<Out, In, E>): ClientState<Out, In, E> =>
  self as ClientState<Out, In, E>

export const request = <Out, In, E>(
  self: ClientState<Out, In, E>,
  message: Out
): Effect.Effect<In, FramingError | RequestFailed<E>> =>
  Effect.uninterruptibleMask((restore) => {
    const ask: Effect.Effect<In, FramingError | RequestFailed<E>> = Effect.withFiber((fiber) => {
      if (self.over !== undefined) {
        self.slots.release()
        return Effect.fail(new RequestFailed<E>({ sent: false, reason: self.over }))
      }
      const channel = self.idlest
      if (channel !== undefined) return restore(channel.ask(message, fiber))
      const ready = Effect.onInterrupt(restore(self.ready.await), () => Effect.sync(() => self.slots.release()))
      return Effect.flatMap(ready, () => ask)
    })
    return Effect.flatMap(restore(self.slots.take), () => ask)
  })

export const make = Effect.fnUntraced(function*<Out, In, E1, R1, E2 = never, R2 = never, R3 = never, R4 = never>(
  options: FramedClient.Options<Out, In, E1, R1, E2, R2, R3, R4>
): Effect.fn.Return<
  FramedClient.FramedClient<Out, In, E1 | E2>,
  NetworkError.NetworkError,
  Scope.Scope | R3 | R4 | Exclude<R1 | R2, Scope.Scope>
> {
  type E = E1 | E2
  const { answerTimeout, connections, connectTimeout, maxPending, resetAfter } = yield* Effect.fromResult(
    check(options)
  )
  const clock = yield* Clock.Clock
  const now = () => monotonicMillis(clock)
  const slots = new Slots(maxPending)
  const client = new ClientState<Out, In, E>(
    slots,
    Array.from({ length: connections }, () => new Channel<Out, In, E>(slots, now, options.correlate))
  )
  const closing = yield* Deferred.make<void>()
  const closed = Deferred.await(closing)
  const connect = options.connect.pipe(
    Effect.tap((framed) => options.onConnect?.(framed) ?? Effect.void),
    Effect.timeoutOrElse({
      duration: Duration.millis(connectTimeout),
      orElse: () =>
        Effect.fail(NetworkError.make(
          "connect",
          "the server",
          new NetworkError.TimedOut({ deadline: "connect", after: connectTimeout })
        ))
    })
  )

  const live = (channel: Channel<Out, In, E>) => {
    let connectedAt: number | undefined
    const receiving = (framed: Framed.Framed<Out, In>) =>
      Stream.runForEach(
        Framed.messages(framed),
        (message) => channel.answer(message) ? Effect.void : options.onPush?.(message) ?? Effect.void
      )
    // A peer that answers nothing would hold up every request behind the first.
    const watching = (framed: Framed.Framed<Out, In>): Effect.Effect<never, NetworkError.NetworkError> =>
      Effect.suspend(() => {
        const left = (channel.waitingSince ?? now()) + answerTimeout - now()
        if (left > 0) return Effect.andThen(Effect.sleep(Duration.millis(left)), watching(framed))
        const reason = new NetworkError.TimedOut({ deadline: "read", after: answerTimeout })
        return Effect.fail(NetworkError.make("read", Connection.formatPeer(framed.connection), reason))
      })
    const once = Effect.scoped(Effect.raceFirst(
      Effect.as(closed, undefined),
      Effect.gen(function*() {
        const framed = yield* connect
        channel.open(framed)
        connectedAt = now()
        client.settle()
        yield* Effect.raceFirst(receiving(framed), watching(framed))
        const reason = new NetworkError.UnexpectedEnd({ received: Framed.bufferedUnsafe(framed) })
        return NetworkError.make("read", Connection.formatPeer(framed.connection), reason) as Failure<E>
      })
    )).pipe(
      Effect.onExit((exit: Exit.Exit<Failure<E> | undefined, Failure<E>>) =>
        Effect.sync(() => {
          channel.lose(reasonOf(exit))
          client.settle()
        })
      )
    )
    return retrying({
      clock,
      closing: closed,
      once,
      schedule: options.schedule,
      resetAfter,
      connectedAt: () => connectedAt,
      onWaiting: () => Effect.void,
      onConnecting: () =>
        Effect.sync(() => {
          connectedAt = undefined
        })
    })
  }

  const scope = yield* Effect.scope
  const lives = Effect.forEach(client.channels, live, { concurrency: "unbounded" })
  const running = yield* Effect.forkIn(
    Effect.onExit(lives, (exit) =>
      Effect.sync(() => {
        const last = Exit.isSuccess(exit) ? exit.value.find((error) => error._tag === "Some") : undefined
        client.over = last?._tag === "Some" ? last.value : goneError()
        client.settle()
      })),
    scope
  )
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit)
      ? Effect.andThen(Deferred.succeed(closing, undefined), Fiber.await(running))
      : Effect.void
  )
  return client
})

const goneError = () => NetworkError.make("write", "the server", new NetworkError.Closed())

const reasonOf = <E>(exit: Exit.Exit<Failure<E> | undefined, Failure<E>>): Failure<E> => {
  if (Exit.isSuccess(exit)) return exit.value ?? goneError()
  const failed = exit.cause.reasons.find(Cause.isFailReason)
  return failed === undefined ? goneError() : failed.error
}

const check = <Out, In, E1, R1, E2, R2, R3, R4>(options: FramedClient.Options<Out, In, E1, R1, E2, R2, R3, R4>) =>
  checked("configure", "the client", () => ({
    answerTimeout: duration("answerTimeout", options.answerTimeout ?? "30 seconds", 1),
    connections: integer("connections", options.connections ?? 1, 1, 10_000),
    connectTimeout: duration("connectTimeout", options.connectTimeout ?? "30 seconds", 1),
    maxPending: integer("maxPending", options.maxPending ?? 1024, 1, 10_000_000),
    resetAfter: duration("resetAfter", options.resetAfter ?? "5 seconds")
  }))
