import type * as Framed from "@sluice/core/Framed"
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, integer, reject } from "@sluice/core/Options"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Pipeable from "effect/Pipeable"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as FramedClient from "../../FramedClient.ts"
import { Overloaded, RequestFailed } from "../errors.ts"
import { clientClosed, type Failure, failureOf } from "../failure.ts"
import { monotonicMillis } from "../monotonic.ts"
import { defaultSchedule } from "../retrying.ts"
import { type Chance, choose } from "./balance.ts"
import type { Channel } from "./channel.ts"
import { checkEndpoints, keyOf, type Lookup } from "./discovery.ts"
import { type Life, live } from "./life.ts"
import { Slots } from "./slots.ts"
import { measuring, Statistics } from "./statistics.ts"
import { type Candidate, type Shared, Target } from "./target.ts"

export const TypeId = "~@sluice/client/FramedClient"

/** The state behind a client. */
export class ClientState<in out Out, in out In, in out E> extends Pipeable.Class
  implements FramedClient.FramedClient<Out, In, E>
{
  declare readonly [TypeId]: FramedClient.Variance<Out, In, E>
  readonly slots: Slots<RequestFailed<E>>
  readonly shared: Shared<Out, In>
  readonly statistics = new Statistics()
  readonly random: Chance
  targets: ReadonlyArray<Target<Out, In, E>> = []
  /** Open while there is a connection, and for good when there will be none. */
  readonly ready = Latch.makeUnsafe()
  /** Why there will be no connection any more. */
  over: Failure<E> | undefined = undefined
  #ejections = 0

  constructor(
    options: Omit<Shared<Out, In>, "slots" | "statistics">,
    limits: { readonly maxPending: number; readonly maxWaiting: number },
    random: Chance
  ) {
    super()
    this.random = random
    this.slots = new Slots({
      most: limits.maxPending,
      mostWaiting: limits.maxWaiting,
      refuse: () => {
        const { taken, waiting } = this.slots
        const reason = new Overloaded({ pending: taken, waiting })
        this.statistics.fail(reason, 1)
        return new RequestFailed<E>({ sent: false, reason })
      }
    })
    this.shared = { ...options, slots: this.slots, statistics: this.statistics }
  }

  get connections(): number {
    return this.targets.reduce((count, { connections }) => count + connections, 0)
  }

  get ejections(): number {
    return this.targets.reduce((count, { health }) => count + health.ejected, this.#ejections)
  }

  /** Lets requests proceed while there is a connection, or once there will be none. */
  settle(): void {
    if (this.over !== undefined || this.connections > 0) this.ready.openUnsafe()
    else this.ready.closeUnsafe()
  }

  /** Replaces the endpoints, and keeps those that are still listed. Returns the new ones. */
  replace(candidates: ReadonlyArray<Candidate>): ReadonlyArray<Target<Out, In, E>> {
    const before = new Map(this.targets.map((target) => [keyOf(target), target]))
    const added: Array<Target<Out, In, E>> = []
    this.targets = candidates.map((candidate) => {
      const known = before.get(keyOf(candidate))
      if (known !== undefined && known.over === undefined) {
        before.delete(keyOf(candidate))
        known.priority = candidate.priority
        known.weight = candidate.weight
        return known
      }
      const target = new Target<Out, In, E>(candidate, this.shared)
      added.push(target)
      return target
    })
    for (const gone of before.values()) {
      this.#ejections += gone.health.ejected
      gone.retire()
    }
    this.settle()
    return added
  }

  get next(): Channel<Out, In, E> | undefined {
    return choose(this.targets, this.random)
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
      const { next, over } = self
      if (next !== undefined) return restore(next.ask(message, fiber))
      if (over !== undefined) {
        self.slots.release()
        return Effect.fail(new RequestFailed<E>({ sent: false, reason: over }))
      }
      const ready = Effect.onInterrupt(restore(self.ready.await), () => Effect.sync(() => self.slots.release()))
      return Effect.flatMap(ready, () => ask)
    })
    return Effect.flatMap(restore(self.slots.take), () => ask)
  })

export const make = Effect.fnUntraced(
  function*<Out, In, E1, R1, E2 = never, R2 = never, R3 = never, R4 = never, R5 = never>(
    options: FramedClient.Options<Out, In, E1, R1, E2, R2, R3, R4, R5>
  ): Effect.fn.Return<
    FramedClient.FramedClient<Out, In, E1 | E2>,
    NetworkError.NetworkError,
    Scope.Scope | R3 | R4 | R5 | Exclude<R1 | R2, Scope.Scope>
  > {
    type E = E1 | E2
    const settings = yield* Effect.fromResult(check(options))
    const clock = yield* Clock.Clock
    const client = new ClientState<Out, In, E>(
      {
        now: () => monotonicMillis(clock),
        correlation: options.correlate,
        connections: settings.connections,
        ejection: settings.ejection
      },
      settings,
      yield* Random.Random
    )
    if (options.name !== undefined) yield* measuring(options.name, client)
    const { connect } = options
    const life: Life<Out, In, E1, R1, E2, R2, R3, R4> = {
      ...settings,
      clock,
      onChange: () => client.settle(),
      connect: (target) => typeof connect === "function" ? connect(target.endpoint!) : connect,
      onConnect: options.onConnect,
      onPush: options.onPush,
      schedule: options.schedule
    }

    const scope = yield* Effect.scope
    // Includes endpoints that are no longer listed and still have requests.
    const living = new Map<Target<Out, In, E>, Fiber.Fiber<unknown>>()
    const { endpoints } = settings
    const isLookup = "resolve" in endpoints
    const end = (target: Target<Out, In, E>) =>
      Effect.sync(() => {
        living.delete(target)
        target.over ??= clientClosed()
        if (!isLookup && client.targets.every(({ over }) => over !== undefined)) client.over ??= target.over
        client.settle()
      })
    const replace = (candidates: ReadonlyArray<Candidate>) =>
      Effect.uninterruptible(Effect.forEach(client.replace(candidates), (target) =>
        Effect.map(
          Effect.forkIn(Effect.onExit(Effect.interruptible(live(target, life)), () => end(target)), scope),
          (fiber) => living.set(target, fiber)
        ), { discard: true }))
    const following = isLookup
      ? yield* Effect.forkIn(follow(endpoints, options.schedule, replace, client), scope)
      : undefined
    if (!isLookup) yield* replace(endpoints)
    yield* Effect.addFinalizer((exit) =>
      Effect.gen(function*() {
        client.over = clientClosed()
        if (Exit.isFailure(exit)) return
        if (following !== undefined) yield* Fiber.interrupt(following)
        const fibers = [...living.values()]
        for (const target of living.keys()) target.close()
        yield* Fiber.awaitAll(fibers)
      })
    )
    return client
  }
)

/**
 * Looks endpoints up periodically. The first lookup is retried by the schedule. While a later one fails, the endpoints found
 * before stay in use.
 */
const follow = <Out, In, E, R1, R2, R3>(
  { refresh, resolve }: Lookup<R1>,
  schedule: Schedule.Schedule<unknown, NoInfer<E> | Framed.FramedError, never, R2> | undefined,
  replace: (candidates: ReadonlyArray<Candidate>) => Effect.Effect<void, never, R3>,
  client: ClientState<Out, In, E>
): Effect.Effect<void, never, R1 | R2 | R3> =>
  Effect.gen(function*() {
    const found = yield* Effect.retry(resolve, schedule ?? defaultSchedule)
    yield* replace(found)
    while (true) {
      yield* Effect.sleep(Duration.millis(refresh))
      yield* Effect.ignore(Effect.flatMap(resolve, replace))
    }
  }).pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => {
        client.over = Exit.isFailure(exit) ? failureOf(exit.cause) : clientClosed()
        client.settle()
      })
    ),
    Effect.ignore
  )

const check = <Out, In, E1, R1, E2, R2, R3, R4, R5>(
  options: FramedClient.Options<Out, In, E1, R1, E2, R2, R3, R4, R5>
) =>
  checked("configure", "the client", () => {
    const ejection = options.ejection ?? {}
    const atFirst = duration("ejection.duration", ejection.duration ?? "1 second", 1)
    if (typeof options.connect === "function" && options.endpoints === undefined) {
      reject("endpoints", undefined, "endpoints, where connect is a function of one")
    }
    return {
      answerTimeout: duration("answerTimeout", options.answerTimeout ?? "30 seconds", 1),
      connections: integer("connections", options.connections ?? 1, 1, 10_000),
      connectTimeout: duration("connectTimeout", options.connectTimeout ?? "30 seconds", 1),
      ejection: {
        after: integer("ejection.after", ejection.after ?? 3, 1, 1_000_000),
        atFirst,
        atMost: duration("ejection.maxDuration", ejection.maxDuration ?? Math.max(60_000, atFirst), atFirst)
      },
      endpoints: checkEndpoints(options.endpoints),
      maxPending: integer("maxPending", options.maxPending ?? 1024, 1, 10_000_000),
      maxWaiting: options.maxWaiting === undefined || options.maxWaiting === Infinity
        ? Infinity
        : integer("maxWaiting", options.maxWaiting, 0, 10_000_000),
      resetAfter: duration("resetAfter", options.resetAfter ?? "5 seconds")
    }
  })
