import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as NetworkError from "./NetworkError.ts"
import { UnusableCertificate } from "./TlsReason.ts"

/**
 * Runs checks that throw an `InvalidOption` (or an `UnusableCertificate`), each of them one line where the options are
 * listed, and gives the typed error.
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

export const reject = (option: string, value: unknown, expected: string): never => {
  throw new NetworkError.InvalidOption({ option, value, expected })
}

/** A duration in milliseconds. */
export const duration = (option: string, value: Duration.Input, least = 0, most = Infinity): number => {
  const parsed = Duration.fromInput(value)
  const millis = parsed._tag === "Some" ? Duration.toMillis(parsed.value) : Number.NaN
  const bounds = (least > 0 ? ` of at least ${least} ms` : "") + (most < Infinity ? ` and at most ${most} ms` : "")
  const expected = `a duration${bounds}, such as "5 seconds"`
  return millis >= least && millis <= most ? millis : reject(option, value, expected)
}

export const optionalDuration = (
  option: string,
  value: Duration.Input | undefined,
  least = 0,
  most = Infinity
): number | undefined => value === undefined ? undefined : duration(option, value, least, most)

export const integer = (option: string, value: number, least: number, most: number): number =>
  Number.isInteger(value) && value >= least && value <= most
    ? value
    : reject(option, value, `a whole number from ${least} ${most === Number.MAX_SAFE_INTEGER ? "up" : `to ${most}`}`)

export const optionalInteger = (option: string, value: number | undefined, least: number, most: number) =>
  value === undefined ? undefined : integer(option, value, least, most)

export const oneOf = <A extends string>(option: string, value: A, values: ReadonlyArray<A>): A =>
  values.includes(value) ? value : reject(option, value, values.map((each) => JSON.stringify(each)).join(" or "))
