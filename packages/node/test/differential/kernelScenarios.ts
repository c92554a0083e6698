/** Runs the scenarios over the kernel, in a network namespace of its own, and writes what was observed as JSON. */
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { type Machine, observe } from "./scenarios.ts"

let child: ChildProcess.ChildProcess | undefined
const start = Effect.promise(async () => {
  child = ChildProcess.spawn(process.execPath, [new URL("kernelServer.ts", import.meta.url).pathname], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  await once(child.stdout!, "data")
})
const signal = (name: NodeJS.Signals) => Effect.sync(() => void child!.kill(name))
// proc_pid_stat(5): the state follows the name of the program, which is in parentheses.
const isStopped = Effect.sync(() => / T /.test(Fs.readFileSync(`/proc/${child!.pid}/stat`, "utf8")))
const machine: Machine = {
  host: "127.0.0.1",
  start,
  kill: Effect.promise(async () => {
    const exit = once(child!, "exit")
    child!.kill("SIGKILL")
    await exit
  }),
  pause: Effect.andThen(signal("SIGSTOP"), Effect.repeat(isStopped, { until: (stopped) => stopped })),
  resume: signal("SIGCONT")
}

const observed = await Effect.runPromise(
  Effect.andThen(start, observe(machine)).pipe(
    Effect.ensuring(Effect.suspend(() => machine.kill)),
    Effect.provide(NodeNetwork.layer)
  )
)
console.log(JSON.stringify(observed))
