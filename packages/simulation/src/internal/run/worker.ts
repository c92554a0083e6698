/** A thread that runs the seeds of an exploration: it imports the program, and answers each seed with what came of it. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { Options } from "../../Simulation.ts"
import type { Seed } from "../time/random.ts"
import { threads } from "./platform.ts"
import { load } from "./pool.ts"
import { recordWith } from "./settings.ts"
import { trialOf } from "./trial.ts"

const { parentPort, workerData } = threads()!
const { options, url } = workerData as { readonly url: string; readonly options: Options }
const { options: own, program } = await Effect.runPromise(load(url))

parentPort!.on(
  "message",
  ((seed: Seed) => {
    const trial = recordWith(program, { schedule: "random", ...own, ...options, seed, trace: false })
    const quiet = Effect.provideService(trial, Logger.CurrentLoggers, new Set())
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort!.postMessage(Effect.runSync(Effect.map(quiet, trialOf)))
  }) as never
)
