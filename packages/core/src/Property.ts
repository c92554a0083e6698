/**
 * Claims about a program, which simulations check: what always holds, and what must happen at least once.
 *
 * Outside of a simulation each does nothing. In one, `always` and `unreachable` fail the run where they are violated, and
 * `eventually` at its end. `sometimes` and `reachable` are counted over all seeds: an exploration fails if one never held,
 * because then it does not test what it was meant to. It also goes back to where a rare one held, and tries other futures: claim
 * `sometimes` of states near which you expect bugs.
 *
 * **Example**
 *
 * ```ts
 * import * as Property from "@sluice/core/Property"
 * import * as Effect from "effect/Effect"
 *
 * const commit = Effect.fnUntraced(function*(index: number, committed: number) {
 *   yield* Property.always("the commit index never decreases", index >= committed)
 *   yield* Property.sometimes("several entries are committed at once", index > committed + 1)
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * The kinds of claims.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "always" | "sometimes" | "eventually" | "reachable" | "unreachable"

/**
 * Told of every claim that a program passes. A simulation is one.
 *
 * @since 0.1.0
 * @category services
 */
export interface Observer {
  /** Fails, with a defect or by never returning, where it ends the run. */
  readonly observe: (kind: Kind, name: string, holds: boolean, details: unknown) => Effect.Effect<void>
}

/**
 * The observer of the fiber. Default: none.
 *
 * @since 0.1.0
 * @category services
 */
export const CurrentObserver: Context.Reference<Observer | undefined> = Context.Reference<Observer | undefined>(
  "@sluice/core/Property/CurrentObserver",
  { defaultValue: () => undefined }
)

const claim = (kind: Kind) => (name: string, holds: boolean, details?: unknown): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const observer = fiber.getRef(CurrentObserver)
    return observer === undefined ? Effect.void : observer.observe(kind, name, holds, details)
  })

/**
 * `holds` must be true whenever the program comes by. `details` are shown where it is not.
 *
 * @since 0.1.0
 * @category claims
 */
export const always: (name: string, holds: boolean, details?: unknown) => Effect.Effect<void> = claim("always")

/**
 * `holds` must be true at least once, in some run.
 *
 * @since 0.1.0
 * @category claims
 */
export const sometimes: (name: string, holds: boolean, details?: unknown) => Effect.Effect<void> = claim("sometimes")

/**
 * `holds` must be true the last time the program reaches this claim: by the end of the run it must have recovered from
 * faults.
 *
 * @since 0.1.0
 * @category claims
 */
export const eventually: (name: string, holds: boolean, details?: unknown) => Effect.Effect<void> = claim("eventually")

/**
 * The program must come by at least once, in some run.
 *
 * @since 0.1.0
 * @category claims
 */
export const reachable = (name: string): Effect.Effect<void> => claim("reachable")(name, true)

/**
 * The program must never come by. `details` are shown where it does.
 *
 * @since 0.1.0
 * @category claims
 */
export const unreachable = (name: string, details?: unknown): Effect.Effect<void> =>
  claim("unreachable")(name, false, details)
