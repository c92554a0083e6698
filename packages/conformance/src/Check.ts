/**
 * What a conformance check is, and the words in which one is written.
 *
 * A check is a value: a law, a name and an Effect that needs a `Network`. It knows no test runner, waits for events and
 * never for time (its deadline, by `effect/Clock`, only turns a hang into a failure), and draws all its random choices
 * from a seed that is its own name. So it runs the same over the kernel's sockets and over simulated ones.
 *
 * @since 0.1.0
 */
import type * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"

/**
 * The laws that the checks bear out. `R`: resources; `B`: bytes; `S`: servers; `D`: datagrams; `O`: what the documentation
 * of an operation says.
 *
 * @since 0.1.0
 * @category models
 */
export type Law = "R1" | "R2" | "R3" | "R4" | "R5" | "B1" | "B2" | "B3" | "B4" | "B5" | "B6" | "B7" | "S2" | "D" | "O"

/**
 * A check that a network failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConformanceFailure extends Data.TaggedError("ConformanceFailure")<{
  readonly law: Law
  readonly check: string
  /** What was seen, and what the law asks for. */
  readonly finding: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `${this.law}, ${this.check}: ${this.finding}`
  }
}

/**
 * A law put to the test: `run` succeeds on a network that keeps it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Check {
  readonly law: Law
  readonly name: string
  readonly run: Effect.Effect<void, ConformanceFailure, Network.Network>
}

/**
 * What a check saw that it should not have.
 *
 * @since 0.1.0
 * @category errors
 */
export class Finding extends Data.TaggedError("Finding")<{ readonly message: string }> {}

/**
 * The inside of a check.
 *
 * @since 0.1.0
 * @category models
 */
export type Body<A = void> = Effect.Effect<A, Finding | NetworkError.NetworkError, Network.Network | Scope.Scope>

// Far longer than any check takes, so that a slow machine fails none.
const deadline = Duration.seconds(30)

/**
 * Makes a check. Whatever its body fails with, and its never ending, is a `ConformanceFailure`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const check = (law: Law, name: string, body: Body): Check => {
  const failure = (finding: string, cause?: unknown) => new ConformanceFailure({ law, check: name, finding, cause })
  return {
    law,
    name,
    run: Effect.scoped(body).pipe(
      Random.withSeed(name),
      (running) => within(deadline, running),
      Effect.catchCause((cause) => Effect.fail(failure(describe(cause), Cause.squash(cause))))
    )
  }
}

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : Cause.pretty(cause)
}

// Detached, because what hangs may be a finalizer, and that cannot be interrupted.
const within = <A, E, R>(limit: Duration.Duration, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Finding, R> =>
  Effect.flatMap(Effect.forkDetach(effect, { startImmediately: true }), (fiber) =>
    Fiber.join(fiber).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => {
          fiber.interruptUnsafe()
          return Effect.fail(new Finding({ message: `nothing happened within ${Duration.format(limit)}` }))
        }
      }),
      Effect.onInterrupt(() => Fiber.interrupt(fiber))
    ))

/**
 * Fails unless `effect` is done within `limit`: for what the law says is bounded in time.
 *
 * @since 0.1.0
 * @category assertions
 */
export const bounded = <A, E, R>(
  what: string,
  limit: Duration.Input,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Finding, R> =>
  Effect.mapError(
    within(Duration.fromInputUnsafe(limit), effect),
    (error) => error instanceof Finding ? new Finding({ message: `${what}: ${error.message}` }) : error
  )

/**
 * Fails with what was seen.
 *
 * @since 0.1.0
 * @category assertions
 */
export const found = (message: string): Effect.Effect<never, Finding> => Effect.fail(new Finding({ message }))

/**
 * Fails unless `holds`.
 *
 * @since 0.1.0
 * @category assertions
 */
export const expect = (holds: boolean, otherwise: string): Effect.Effect<void, Finding> =>
  holds ? Effect.void : found(otherwise)

/**
 * Fails unless two plain values are the same.
 *
 * @since 0.1.0
 * @category assertions
 */
export const expectEqual = <A extends string | number | boolean | undefined>(
  what: string,
  actual: A,
  expected: A
): Effect.Effect<void, Finding> => expect(actual === expected, `${what}: got ${actual}, expected ${expected}`)

/**
 * Fails unless the bytes are the same; says where the first difference is.
 *
 * @since 0.1.0
 * @category assertions
 */
export const expectBytes = (what: string, actual: Uint8Array, expected: Uint8Array): Effect.Effect<void, Finding> =>
  Effect.suspend(() => {
    const length = Math.min(actual.length, expected.length)
    let at = 0
    while (at < length && actual[at] === expected[at]) at++
    if (at < length) {
      return found(`${what}: byte ${at} of ${expected.length} is ${actual[at]}, expected ${expected[at]}`)
    }
    return expectEqual(`${what}: number of bytes`, actual.length, expected.length)
  })

/**
 * Fails unless `effect` fails with one of the reasons given; gives the error.
 *
 * @since 0.1.0
 * @category assertions
 */
export const expectFailure = <A, E, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
  ...reasons: ReadonlyArray<NetworkError.Reason["_tag"]>
): Effect.Effect<NetworkError.NetworkError, Finding, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => expectFailed(what, exit, ...reasons))

/**
 * Fails unless an exit is a failure with one of the reasons given; gives the error.
 *
 * @since 0.1.0
 * @category assertions
 */
export const expectFailed = <A, E>(
  what: string,
  exit: Exit.Exit<A, E>,
  ...reasons: ReadonlyArray<NetworkError.Reason["_tag"]>
): Effect.Effect<NetworkError.NetworkError, Finding> => {
  const expected = reasons.join(" or ")
  if (Exit.isSuccess(exit)) return found(`${what}: it succeeded, expected ${expected}`)
  const error = Cause.squash(exit.cause)
  if (NetworkError.isNetworkError(error) && reasons.includes(error.reason._tag)) return Effect.succeed(error)
  return found(`${what}: ${describe(exit.cause)}, expected ${expected}`)
}

/**
 * The reasons with which operations fail on a connection that the peer has broken.
 *
 * @since 0.1.0
 * @category assertions
 */
export const broken = ["ConnectionReset", "BrokenPipe"] as const
