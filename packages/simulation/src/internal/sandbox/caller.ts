// How deep callers are looked for.
const depth = 30

/** The first line of the stack that belongs neither to the simulation, nor to Effect, nor to the platform. */
export const callerOf = (): string => {
  const errors = Error as { stackTraceLimit?: number }
  const { stackTraceLimit } = errors
  errors.stackTraceLimit = depth
  const { stack = "" } = new Error()
  errors.stackTraceLimit = stackTraceLimit!
  const lines = stack.split("\n").slice(1).map((line) => line.trim())
  return lines.find((line) => /[/\\]/.test(line) && !own.test(line) && !line.includes("node:")) ?? lines.at(-1) ??
    "an unknown caller"
}

const own = /[/\\](?:(?:sandbox|replacements)[/\\]\w+\.[jt]s|effect[/\\](?:dist|src)[/\\])/
