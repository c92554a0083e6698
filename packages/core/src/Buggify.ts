/**
 * Rare behavior on purpose, in simulations: a short timeout, a full cache, a retry that was not needed.
 *
 * Outside of a simulation `chance` is always `false`. In one, the seed enables a quarter of the points of a program, and an
 * enabled point fires with its probability. So rare paths meet each other, and a run does not drown in them.
 *
 * **Example**
 *
 * ```ts
 * import * as Buggify from "@sluice/core/Buggify"
 * import * as Effect from "effect/Effect"
 *
 * const batchSize = Effect.map(Buggify.chance("tiny batches", 0.5), (isRare) => isRare ? 1 : 1000)
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * Decides whether a point fires. A simulation is one.
 *
 * @since 0.1.0
 * @category services
 */
export interface Source {
  readonly fires: (name: string, probability: number) => boolean
}

/**
 * The source of the fiber. Default: none, so that nothing fires.
 *
 * @since 0.1.0
 * @category services
 */
export const CurrentSource: Context.Reference<Source | undefined> = Context.Reference<Source | undefined>(
  "@sluice/core/Buggify/CurrentSource",
  { defaultValue: () => undefined }
)

/**
 * Whether the point with this name fires now. Probability, 0 to 1, of an enabled point. Default: 0.05.
 *
 * @since 0.1.0
 * @category combinators
 */
export const chance = (name: string, probability = 0.05): Effect.Effect<boolean> =>
  Effect.withFiber((fiber) => Effect.succeed(fiber.getRef(CurrentSource)?.fires(name, probability) ?? false))
