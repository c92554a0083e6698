import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** The program that `NodeProgram.run` runs. */
export interface Program {
  /** What a signal interrupted has no other end: the program has done what it was to do. */
  isStopped: boolean
}

export const CurrentProgram: Context.Reference<Program> = Context.Reference<Program>(
  "@sluice/node/NodeProgram/CurrentProgram",
  { defaultValue: () => ({ isStopped: false }) }
)

export const untilSignal = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onInterrupt(effect, () =>
    Effect.map(CurrentProgram, (program) => {
      program.isStopped = true
    }))
