import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SimNetwork } from "../../SimNetwork.ts"
import type { ExploreOptions, Options } from "../../Simulation.ts"
import { type Thread, threads } from "./platform.ts"
import type { Task, Trial } from "./trial.ts"

/** A program in a module of its own: its default export; and how it is explored, if it exports `options`. */
export interface ProgramModule {
  readonly program: Effect.Effect<unknown, unknown, SimNetwork | Scope.Scope>
  readonly options: ExploreOptions
}

/** Imports a program. A module without one is a defect. */
export const load = (url: string): Effect.Effect<ProgramModule> =>
  Effect.map(
    Effect.promise(() => import(url) as Promise<{ readonly default?: unknown; readonly options?: ExploreOptions }>),
    (module) => {
      if (Effect.isEffect(module.default)) {
        return { program: module.default as ProgramModule["program"], options: module.options ?? {} }
      }
      throw new Error(`cannot explore ${url}: its default export is not an Effect; export default the program`)
    }
  )

/** Runs one task at a time. */
export interface Lane<E = never, R = never> {
  readonly run: (task: Task) => Effect.Effect<Trial, E, R>
}

// Source runs unbuilt, and so does its worker.
const worker = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url)

/** Starts a thread for a program, until the Scope closes. A thread that fails is a defect. */
export const startLane = (url: string, options: Options): Effect.Effect<Lane, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync((): Thread => new (threads()!.Worker)(worker, { workerData: { url, options } })),
      (thread) => Effect.sync(() => void thread.terminate())
    ),
    (thread) => {
      let resume: ((effect: Effect.Effect<Trial>) => void) | undefined
      let broken: Error | undefined
      thread.on("message", ((trial: Trial) => resume?.(Effect.succeed(trial))) as never)
      thread.on(
        "error",
        ((error: Error) => {
          broken = error
          resume?.(Effect.die(error))
        }) as never
      )
      return {
        run: (task) =>
          Effect.callback<Trial>((callback) => {
            if (broken !== undefined) return callback(Effect.die(broken))
            resume = callback
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
            thread.postMessage(task)
          })
      }
    }
  )
