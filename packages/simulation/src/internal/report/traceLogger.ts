import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import { CurrentProcess } from "../kernel/process.ts"
import type { World } from "../world/world.ts"

/** Writes log lines into the trace, with the host that they come from. */
export const traceLogger = (world: World): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, fiber, logLevel, message }) => {
    const parts = Array.isArray(message) ? message : [message]
    if (cause.reasons.length > 0) parts.push(Cause.squash(cause))
    world.note({
      _tag: "Note",
      at: world.engine.now,
      host: fiber.getRef(CurrentProcess)?.host.name ?? "",
      kind: "log",
      text: `${logLevel.toUpperCase()} ${parts.map(format).join(" ")}`.slice(0, limit)
    })
  })

// Characters of a line.
const limit = 1000

const format = (part: unknown): string => {
  if (typeof part === "string") return part
  if (part instanceof Error) return `${part.name}: ${part.message}`
  try {
    return JSON.stringify(part) ?? String(part)
  } catch {
    return String(part)
  }
}
