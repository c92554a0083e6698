import type * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { Campaign } from "../../Campaign.ts"
import type { SimNetwork } from "../../SimNetwork.ts"
import { SimulationNotLive } from "../../SimulationError.ts"

/** How long faults are injected, and what must hold after it. Times are in milliseconds. */
export interface Phases<R> {
  readonly lasts: number
  readonly calm: number
  readonly eventually: Effect.Effect<unknown, unknown, R> | undefined
}

// Milliseconds between two attempts.
const pause = 100

/** A program under a campaign: the faults, then calm, in which `eventually` must succeed. */
export const underCampaign = <A, E, R, R2>(
  program: Effect.Effect<A, E, R>,
  campaign: Campaign,
  { calm, eventually, lasts }: Phases<R2>
): Effect.Effect<A, E | SimulationNotLive | NetworkError.NetworkError, R | R2 | SimNetwork | Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    // Its end heals all faults, also when the program fails before it or outlasts it.
    const faults = yield* Scope.fork(scope)
    yield* Effect.provideService(campaign.start, Scope.Scope, faults)
    const healed = Effect.onExit(Effect.sleep(lasts), (exit) => Scope.close(faults, exit))
    const [result] = yield* Effect.all([Effect.provideService(program, Scope.Scope, scope), healed], { concurrency: 2 })
    if (eventually !== undefined) yield* recovers(eventually, calm)
    return result as A
  }) as never

const recovers = Effect.fnUntraced(function*<R>(eventually: Effect.Effect<unknown, unknown, R>, calm: number) {
  let cause: unknown
  const attempts = Effect.gen(function*() {
    while (true) {
      const exit = yield* Effect.exit(eventually)
      if (Exit.isSuccess(exit)) return
      cause = Cause.squash(exit.cause)
      yield* Effect.sleep(pause)
    }
  })
  const inTime = yield* Effect.timeoutOption(attempts, Duration.millis(calm))
  if (Option.isSome(inTime)) return
  return yield* Effect.fail(new SimulationNotLive({ at: yield* Clock.currentTimeMillis, calm, cause }))
})
