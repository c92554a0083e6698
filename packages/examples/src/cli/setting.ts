/**
 * Flags that fall back to the environment: `--max-connections` to `SLUICE_MAX_CONNECTIONS`. Both are parsed by the same
 * function.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

const variableOf = (name: string): string => `SLUICE_${name.toUpperCase().replaceAll("-", "_")}`

/** Text that means something. */
export const setting = <A>(name: string, options: {
  readonly metavar: string
  readonly description: string
  readonly expected: string
  readonly parse: (text: string) => Option.Option<A>
}): Flag.Flag<A> => {
  const variable = variableOf(name)
  return Flag.String(name).pipe(
    Flag.withFallbackConfig(Config.String(variable)),
    Flag.filterMap(options.parse, () => `Expected ${options.expected}, here or in ${variable}`),
    Flag.withMetavar(options.metavar),
    Flag.withDescription(`${options.description} [${variable}]`)
  )
}

/** Where a file is, if anywhere. */
export const path = (name: string, description: string): Flag.Flag<Option.Option<string>> =>
  Flag.Path(name).pipe(
    Flag.withFallbackConfig(Config.String(variableOf(name))),
    Flag.withDescription(`${description} [${variableOf(name)}]`),
    Flag.optional
  )

/** Whether or not; not by default. */
export const toggle = (name: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(
    Flag.withFallbackConfig(Config.Boolean(variableOf(name))),
    Flag.withDescription(`${description} [${variableOf(name)}]`),
    Flag.withDefault(false)
  )

/** A time, such as `500ms`, `5s` or `2m`. */
export const duration = (name: string, description: string): Flag.Flag<Duration.Duration> =>
  setting(name, {
    metavar: "duration",
    description,
    expected: "a duration such as 500ms, 5s or 2m",
    parse: parseDuration
  })

/** A time that is not 0. */
export const positiveDuration = (name: string, description: string): Flag.Flag<Duration.Duration> =>
  Flag.filter(duration(name, description), (time) => Duration.toMillis(time) > 0, () => "Expected more than 0")

/** `500ms`, `5s`, `2m`. */
export const parseDuration = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(text) ?? []
  return unit === undefined
    ? Option.none()
    : Option.some(Duration.millis(Number(amount) * units[unit as keyof typeof units]))
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A whole number from 1 up. */
export const positiveNumber = (name: string, description: string, metavar = "number"): Flag.Flag<number> =>
  setting(name, {
    metavar,
    description,
    expected: "a whole number from 1 up",
    parse: (text) => Option.filter(wholeNumber(text), (number) => number > 0)
  })

/** Digits as a number. */
export const wholeNumber = (text: string): Option.Option<number> =>
  /^\d{1,15}$/.test(text) ? Option.some(Number(text)) : Option.none()
