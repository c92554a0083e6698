import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

/** The log: one line an entry, on stderr, so that stdout is for the output of programs. */
export const layer = Logger.layer([
  Logger.withConsoleError(Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const texts = (Array.isArray(message) ? message : [message]).map(String)
    const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
      .map(([name, value]) => `${name}=${value}`)
    const causes = cause.reasons.length === 0 ? [] : [Cause.pretty(cause)]
    return [date.toISOString(), logLevel.toUpperCase(), ...texts, ...annotations, ...causes].join(" ")
  }))
])
