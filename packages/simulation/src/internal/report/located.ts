/** An error of a test runner, which shows the line of the first frame: that of the program, and not of a library. */
export const located = (message: string, cause: unknown): Error => {
  const error = new Error(message, { cause })
  const frames = (cause instanceof Error ? cause.stack ?? "" : "").split("\n").filter((line) => /^\s+at /.test(line))
  const own = frames.filter((line) => !line.includes("node_modules"))
  if (frames.length > 0) error.stack = [`Error: ${message}`, ...(own.length > 0 ? own : frames)].join("\n")
  return error
}
