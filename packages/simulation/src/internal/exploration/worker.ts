/** A thread that runs the seeds of explorations: it imports the program, and answers each task with its result. */
import * as Effect from "effect/Effect"
import { ownLane } from "./lane.ts"
import { threads } from "./platform.ts"
import { load, type Message, type ProgramOf } from "./pool.ts"

const { parentPort } = threads()!

const laneOf = async ({ options, url }: ProgramOf) => {
  const { options: own, program } = await Effect.runPromise(load(url))
  return ownLane(program, { schedule: "random", ...own, ...options })
}
let lane: ReturnType<typeof laneOf> | undefined

parentPort!.on("message", async (message: Message) => {
  if ("program" in message) {
    lane = laneOf(message.program)
    return
  }
  // A defect becomes an unhandled rejection, which ends the thread.
  const trial = await Effect.runPromise((await lane!).run(message.task))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(trial)
})
