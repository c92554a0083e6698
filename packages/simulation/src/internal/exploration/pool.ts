import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SimNetwork } from "../../SimNetwork.ts"
import type { ExploreOptions, Options } from "../../Simulation.ts"
import type { Lane } from "./lane.ts"
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

// Source runs unbuilt, and so does its worker.
const script = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url)

/** A thread that runs one task at a time. */
class Worker {
  readonly #thread: Thread
  #resume: ((effect: Effect.Effect<Trial>) => void) | undefined
  #broken: Error | undefined

  constructor() {
    this.#thread = new (threads()!.Worker)(script)
    this.#thread.on("message", (trial: Trial) => this.#settle(Effect.succeed(trial)))
    this.#thread.on("error", (error: Error) => {
      this.#broken = error
      this.#settle(Effect.die(error))
    })
  }

  #settle(result: Effect.Effect<Trial>): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.(result)
  }

  begin(program: ProgramOf): void {
    this.#thread.ref()
    this.#post({ program })
  }

  /** Keeps it for another exploration, or ends it if it is in the middle of a task. */
  end(): void {
    if (this.#resume !== undefined || this.#broken !== undefined) return void this.#thread.terminate()
    this.#thread.unref()
    idle.push(this)
  }

  readonly run = (task: Task): Effect.Effect<Trial> =>
    Effect.callback((resume) => {
      if (this.#broken !== undefined) return resume(Effect.die(this.#broken))
      this.#resume = resume
      this.#post({ task })
    })

  #post(message: Message): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#thread.postMessage(message)
  }
}

// Threads that no exploration uses, for the next one: starting and warming one up takes longer than many runs.
const idle: Array<Worker> = []

/** A program in a module, and the options of its runs. They can be sent to a thread. */
export interface ProgramOf {
  readonly url: string
  readonly options: Options
}

/** What a thread is told: which program to run from now on, or a run to make. */
export type Message = { readonly program: ProgramOf } | { readonly task: Task }

/** A thread for a program, until the Scope closes. A thread that fails is a defect. */
export const startLane = (program: ProgramOf): Effect.Effect<Lane, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const worker = idle.pop() ?? new Worker()
      worker.begin(program)
      return worker
    }),
    (worker) => Effect.sync(() => worker.end())
  )
