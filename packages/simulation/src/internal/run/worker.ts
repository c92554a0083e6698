/** A thread that runs the seeds of an exploration: it imports the program, and answers each task with its result. */
import * as Effect from "effect/Effect"
import type { Options } from "../../Simulation.ts"
import { ownLane } from "./exploration.ts"
import { threads } from "./platform.ts"
import { load } from "./pool.ts"
import type { Task } from "./trial.ts"

const { parentPort, workerData } = threads()!
const { options, url } = workerData as { readonly url: string; readonly options: Options }
const { options: own, program } = await Effect.runPromise(load(url))
const lane = ownLane(program, { schedule: "random", ...own, ...options })

parentPort!.on(
  "message",
  ((task: Task) => {
    // A defect becomes an unhandled rejection, which ends the thread.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    void Effect.runPromise(lane.run(task)).then((trial) => parentPort!.postMessage(trial))
  }) as never
)
