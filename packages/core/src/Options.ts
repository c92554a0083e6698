/**
 * Validation of options, for authors of platforms, protocols and tools: each option is checked once, and an invalid one is an
 * `InvalidOption` that names it and says what is expected.
 *
 * **Example**
 *
 * ```ts
 * import * as Options from "@sluice/core/Options"
 *
 * const settings = (options: { readonly retries?: number; readonly pause?: string }) =>
 *   Options.checked("configure", "my protocol", () => ({
 *     retries: Options.integer("retries", options.retries ?? 3, 0, 100),
 *     pause: Options.duration("pause", "1 second")
 *   }))
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as NetworkError from "./NetworkError.ts"
import { UnusableCertificate } from "./TlsReason.ts"

/**
 * Runs checks, each of which may throw as {@link reject} does, and returns the typed error of the first that throws.
 * Other exceptions pass through.
 *
 * @since 0.1.0
 * @category running
 */
export const checked = <A>(
  operation: NetworkError.Operation,
  address: string,
  check: () => A
): Result.Result<A, NetworkError.NetworkError> => {
  try {
    return Result.succeed(check())
  } catch (error) {
    if (error instanceof NetworkError.InvalidOption || error instanceof UnusableCertificate) {
      return Result.fail(NetworkError.make(operation, address, error))
    }
    throw error
  }
}

/**
 * Throws an `InvalidOption`. `expected` completes "expected …".
 *
 * @since 0.1.0
 * @category checking
 */
export const reject = (option: string, value: unknown, expected: string): never => {
  throw new NetworkError.InvalidOption({ option, value, expected })
}

/**
 * Returns a duration in milliseconds, between `least` and `most` milliseconds.
 *
 * @since 0.1.0
 * @category checking
 */
export const duration = (option: string, value: Duration.Input, least = 0, most = Infinity): number => {
  // Not by way of a Duration, for which NaN is 0.
  const millis = typeof value === "number"
    ? value
    : Option.match(Duration.fromInput(value), { onNone: () => Number.NaN, onSome: Duration.toMillis })
  if (millis >= least && millis <= most) return millis
  const bounds = (least > 0 ? ` of at least ${least} ms` : "") + (most < Infinity ? ` and at most ${most} ms` : "")
  return reject(option, value, `a duration${bounds}, such as "5 seconds"`)
}

/**
 * As {@link duration}, where the option may be omitted.
 *
 * @since 0.1.0
 * @category checking
 */
export const optionalDuration = (
  option: string,
  value: Duration.Input | undefined,
  least = 0,
  most = Infinity
): number | undefined => value === undefined ? undefined : duration(option, value, least, most)

/**
 * Returns a whole number from `least` to `most`.
 *
 * @since 0.1.0
 * @category checking
 */
export const integer = (option: string, value: number, least: number, most: number): number =>
  Number.isInteger(value) && value >= least && value <= most
    ? value
    : reject(option, value, `a whole number from ${least} ${most === Number.MAX_SAFE_INTEGER ? "up" : `to ${most}`}`)

/**
 * As {@link integer}, where the option may be omitted.
 *
 * @since 0.1.0
 * @category checking
 */
export const optionalInteger = (
  option: string,
  value: number | undefined,
  least: number,
  most: number
): number | undefined => value === undefined ? undefined : integer(option, value, least, most)

/**
 * Returns one of a list of strings.
 *
 * @since 0.1.0
 * @category checking
 */
export const oneOf = <A extends string>(option: string, value: A, values: ReadonlyArray<A>): A =>
  values.includes(value) ? value : reject(option, value, values.map((each) => JSON.stringify(each)).join(" or "))
