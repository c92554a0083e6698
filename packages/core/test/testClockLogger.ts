import * as Logger from "effect/Logger"

/**
 * A logger under a test clock. It leaves out what the clock itself logs, which is a warning when a test takes longer than
 * a second of real time, as any test can on a busy machine.
 */
export const make = (
  write: (message: string, options: Logger.Options<unknown>) => void
): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    const message = String(options.message)
    if (!message.includes("test clock")) write(message, options)
  })
