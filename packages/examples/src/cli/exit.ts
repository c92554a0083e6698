/**
 * How programs end. A failure is one line on stderr and exit code 1; a signal is 128 and its number, as in a shell; and a
 * second signal does not wait for what the first one began.
 */
import * as Cause from "effect/Cause"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

const codes = { SIGINT: 130, SIGTERM: 143 }
let received: number | undefined

/** Takes notice of signals. `NodeRuntime.runMain` interrupts the program on the first one. */
export const listenForSignals = (): void => {
  for (const [signal, code] of Object.entries(codes)) {
    process.on(signal, () => {
      if (received !== undefined) process.exit(code)
      received = code
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
