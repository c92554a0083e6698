/** Faults at random times, for simulations. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"

/** One of several, at random. */
export const some = <A>(all: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, all.length), (index) => all[index % all.length]!)

/** Injects a fault after 200 to `before` milliseconds, for 100 to `lasting` milliseconds. */
export const during = (
  fault: Effect.Effect<void, never, Scope.Scope>,
  { before, lasting }: { readonly before: number; readonly lasting: number }
): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Effect.sleep(yield* Random.nextIntBetween(200, before))
    yield* Effect.scoped(Effect.andThen(fault, Effect.sleep(yield* Random.nextIntBetween(100, lasting))))
  })
