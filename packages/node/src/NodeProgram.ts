/**
 * Runs the main program of a process: one line for an error, an orderly end for a signal, and exit codes that a service
 * manager understands.
 *
 * **Example** (a server)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as NodeProgram from "@sluice/node/NodeProgram"
 * import * as Layer from "effect/Layer"
 *
 * const Echo = Server.layer(
 *   { listen: "tcp://127.0.0.1:9000", drain: "10 seconds" },
 *   (connection) => Connection.pipeTo(connection, connection)
 * )
 *
 * NodeProgram.run(Layer.provide(Echo, NodeNetwork.layer))
 * ```
 *
 * **Details**
 *
 * | the program                                            | stderr                           | exit code           |
 * | ------------------------------------------------------ | -------------------------------- | ------------------- |
 * | succeeds                                               |                                  | 0                   |
 * | fails                                                  | the message of the error, a line | 1                   |
 * | dies of a defect                                       | the defect, with its stack       | 1                   |
 * | is a Layer, and SIGINT, SIGTERM or SIGHUP stops it     |                                  | 0                   |
 * | is an Effect, and a signal interrupts it               |                                  | 130, 143 or 129     |
 * | has not stopped when a second signal comes             |                                  | 130, 143 or 129     |
 *
 * - A signal interrupts the program: servers drain, and finalizers run, before the process exits. A second signal exits at
 *   once.
 * - SIGHUP, which comes when a terminal is closed, counts as SIGTERM, unless the program listens for it: `Workers` reloads.
 * - An error with `Runtime.errorExitCode` has that exit code, and one with `Runtime.errorReported` set to `false` is not
 *   printed.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as SafeText from "@sluice/framing/SafeText"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { CurrentProgram, type Program, untilSignal } from "./internal/program/currentProgram.ts"
import { followSignals } from "./internal/program/signals.ts"

/**
 * Runs an Effect, or builds a Layer and keeps it until a signal. Call it once, at the end of the main module.
 *
 * It provides no services: a program has the loggers and the Console that it provides for itself, or Effect's.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E>(program: Effect.Effect<A, E> | Layer.Layer<A, E>): void => {
  const state: Program = { isStopped: false }
  const signals = followSignals()
  const effect: Effect.Effect<unknown, E> = Effect.isEffect(program) ? program : launch(program)
  effect.pipe(
    Effect.tapCause(report),
    Effect.provideService(CurrentProgram, state),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, onExit) => {
        signals.stop()
        const code = signals.received()
        if (code === undefined || Exit.isSuccess(exit) || !Cause.hasInterruptsOnly(exit.cause)) {
          return Runtime.defaultTeardown(exit, onExit)
        }
        onExit(state.isStopped ? 0 : code)
      }
    })
  )
}

/**
 * `Layer.launch` for a part of a program: builds a Layer and keeps it until the program is interrupted. `run` exits with 0 when
 * a signal did it. `Workers.launch` is the same for several processes.
 *
 * **Example** (a program that reads its options first)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as NodeProgram from "@sluice/node/NodeProgram"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const program = Effect.gen(function*() {
 *   const listen = yield* Config.String("LISTEN")
 *   const Echo = Server.layer({ listen }, (connection) => Connection.pipeTo(connection, connection))
 *   return yield* NodeProgram.launch(Layer.provide(Echo, NodeNetwork.layer))
 * })
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const launch = <A, E, R>(layer: Layer.Layer<A, E, R>): Effect.Effect<never, E, R> =>
  untilSignal(Layer.launch(layer))

/** Prints an error as one line, and a defect with its stack. Their text may come from a peer. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (!Runtime.getErrorReported(error)) return Effect.void
  if (Cause.hasDies(cause)) return Console.error(Cause.pretty(cause).split("\n").map(safe).join("\n"))
  const message = error instanceof Error ? error.message || error.name : Formatter.format(error)
  return Console.error(safe(message.replace(/\s*\n\s*/g, " ")))
}

const safe = (line: string): string => SafeText.escape(line, { limit: 4000 })
