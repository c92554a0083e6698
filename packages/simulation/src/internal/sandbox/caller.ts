/** A call of a function of the platform, and where it was made. */
export interface AmbientCall {
  /** `"setTimeout"` */
  readonly name: string
  /** The line of the caller's stack. */
  readonly caller: string
}

// How many frames of a stack are searched for the caller.
const depth = 30

/**
 * Captures the stack, and returns a function that finds the caller: the first line that belongs neither to the simulation,
 * nor to Effect, nor to the platform. Formatting the stack takes several times as long as capturing it.
 */
export const captureCaller = (): () => string => {
  const errors = Error as { stackTraceLimit?: number }
  const { stackTraceLimit } = errors
  errors.stackTraceLimit = depth
  const error = new Error()
  errors.stackTraceLimit = stackTraceLimit!
  return () => {
    const lines = (error.stack ?? "").split("\n").slice(1).map((line) => line.trim())
    return lines.find((line) => /[/\\]/.test(line) && !own.test(line) && !line.includes("node:")) ?? lines.at(-1) ??
      "an unknown caller"
  }
}

export const callerOf = (): string => captureCaller()()

const own = /[/\\](?:(?:sandbox|replacements)[/\\]\w+\.[jt]s|effect[/\\](?:dist|src)[/\\])/
