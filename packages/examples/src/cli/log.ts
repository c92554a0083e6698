import * as SafeText from "@sluice/framing/SafeText"
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

// Whatever is logged may contain what a peer sent.
const safe = (text: string): string => SafeText.escape(text, { limit: 4000 })

/** The log: one line an entry, on stderr, so that stdout is for the output of programs. */
export const layer = Logger.layer([
  Logger.withConsoleError(Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const texts = (Array.isArray(message) ? message : [message]).map((each) => safe(String(each)))
    const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
      .map(([name, value]) => `${name}=${safe(String(value))}`)
    const causes = cause.reasons.length === 0 ? [] : [Cause.pretty(cause).split("\n").map(safe).join("\n")]
    return [date.toISOString(), logLevel.toUpperCase(), ...texts, ...annotations, ...causes].join(" ")
  }))
])
