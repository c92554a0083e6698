import * as Cause from "effect/Cause"
import type * as Console from "effect/Console"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { CurrentProcess } from "../kernel/process.ts"
import type { World } from "../world/world.ts"

/** Where a program writes its lines: loggers, and a Console. */
export interface Output {
  readonly loggers: ReadonlySet<Logger.Logger<unknown, unknown>>
  readonly console: Console.Console
}

/** Writes the lines of loggers and of the Console into the trace, with the host that they come from, and passes them on. */
export const traced = (world: World, { console, loggers }: Output): Output => {
  const note = (fiber: Fiber.Fiber<unknown, unknown> | undefined, text: string) =>
    world.note({
      _tag: "Note",
      at: world.engine.now,
      host: fiber?.getRef(CurrentProcess)?.host.name ?? "",
      kind: "log",
      text: text.slice(0, limit)
    })
  const traceLogger = Logger.make<unknown, void>(({ cause, fiber, logLevel, message }) => {
    const parts = Array.isArray(message) ? message : [message]
    if (cause.reasons.length > 0) parts.push(Cause.squash(cause))
    note(fiber, `${logLevel.toUpperCase()} ${line(parts)}`)
  })
  // Loggers print to the Console, which has to record what the program itself prints only.
  let isLogging = false
  const unrecorded = (logger: Logger.Logger<unknown, unknown>) =>
    Logger.make<unknown, unknown>((options) => {
      isLogging = true
      try {
        return logger.log(options)
      } finally {
        isLogging = false
      }
    })
  return {
    loggers: new Set([...Array.from(loggers, unrecorded), traceLogger]),
    console: new Proxy(console, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== "function" || !printing.has(name)) return method
        return (...parts: ReadonlyArray<unknown>) => {
          if (!isLogging) note(Fiber.getCurrent(), line(parts))
          Reflect.apply(method, target, parts)
        }
      }
    })
  }
}

/** A Console that prints nothing. */
export const silentConsole: Console.Console = new Proxy({} as Console.Console, { get: () => () => {} })

const printing: ReadonlySet<string | symbol> = new Set(["debug", "dir", "error", "info", "log", "trace", "warn"])

// Characters of a line.
const limit = 1000

const line = (parts: ReadonlyArray<unknown>): string => parts.map(format).join(" ")

const format = (part: unknown): string => {
  if (typeof part === "string") return part
  if (part instanceof Error) return `${part.name}: ${part.message}`
  try {
    return JSON.stringify(part) ?? String(part)
  } catch {
    return String(part)
  }
}
