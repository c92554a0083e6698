/**
 * How programs end. A failure is one line on stderr and exit code 1; a signal is 128 and its number, as in a shell; and a
 * second signal does not wait for what the first one began.
 */
import * as Cause from "effect/Cause"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
let received: number | undefined

/**
 * Listens for signals: the first one interrupts the program, the second one ends it at once. `NodeRuntime.runMain` interrupts
 * at SIGINT and SIGTERM; SIGHUP, which comes when a terminal is closed, is given to it as SIGTERM, unless it reloads workers.
 */
export const listenForSignals = (): void => {
  let forwarding = false
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (forwarding || (signal === "SIGHUP" && process.listenerCount(signal) > 1)) return
      if (received !== undefined) process.exit(codes[signal])
      received = codes[signal]
      if (signal !== "SIGHUP") return
      forwarding = true
      process.emit("SIGTERM", "SIGTERM")
      forwarding = false
    })
  }
}

/** For `NodeRuntime.runMain`: the exit code of the signal, if one ended the program. */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(exit, (code) => onExit(received ?? code))

/** Prints why a program failed, as one line. What should never happen is logged with all that is known of it. */
export const printFailure = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.tapCause(program, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    const error = Cause.squash(cause)
    if (!Runtime.getErrorReported(error)) return Effect.void
    return Cause.hasDies(cause) || !(error instanceof Error)
      ? Effect.logFatal(cause)
      : Console.error(oneLine(error.message))
  })

/** Prints help on stdout when it was asked for, and one line on stderr when a flag or an argument is wrong. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        `${event.errors.map(({ message }) => oneLine(message)).join("; ")} (see ${event.commandPath.join(" ")} --help)`
      )
      : CliOutput.defaultPresenter.present(event)
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ")
