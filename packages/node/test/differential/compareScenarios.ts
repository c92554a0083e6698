/** Runs the scenarios over the kernel and over the simulation. */
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import { ephemeralPorts, type Machine, observe, server } from "./scenarios.ts"

/** What was observed, by scenario. */
export type Observed = Record<string, ReadonlyArray<string>>

// A port in TIME_WAIT is in use: by default the kernel would give it again, over loopback alone. SYN cookies at all times, not
// only when half-open connections are many: without one the kernel resets a client whose last acknowledgment found the
// backlog full for some seconds, as it does while the server gets no processor.
const setUp = [
  "ip link set lo up",
  `echo '${ephemeralPorts.join(" ")}' > /proc/sys/net/ipv4/ip_local_port_range`,
  "echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse",
  "echo 2 > /proc/sys/net/ipv4/tcp_syncookies"
].join(" && ")

const inNamespace = (command: string): ChildProcess.SpawnSyncReturns<string> =>
  ChildProcess.spawnSync("unshare", ["--map-root-user", "--net", "sh", "-c", `${setUp} && ${command}`], {
    encoding: "utf8"
  })

/** Whether this machine lets a program make network namespaces. */
export const hasNamespaces = (): boolean => inNamespace("true").status === 0

/** What is observed over the kernel. */
export const kernel = (): Observed => {
  const { stderr, stdout } = inNamespace(
    `exec '${process.execPath}' '${new URL("kernelScenarios.ts", import.meta.url).pathname}'`
  )
  const line = stdout.split("\n").find((each) => each.startsWith("{"))
  if (line === undefined) throw new Error(`the scenarios failed over the kernel: ${stderr}`)
  return JSON.parse(line) as Observed
}

/** What is observed over the simulation. */
export const simulation = (seed: number) =>
  Simulation.run(
    Effect.gen(function*() {
      const [host, client] = yield* SimNetwork.hosts("server", "client")
      // Over loopback the clients of one process open their connections one after the other, within two milliseconds.
      yield* SimNetwork.link(host, client, { latency: "20 micros", jitter: "2 millis" })
      let listening = yield* Deferred.make<void>()
      let killed = Scope.makeUnsafe()
      let paused = Scope.makeUnsafe()
      yield* Host.serve(host, server(Effect.suspend(() => Deferred.succeed(listening, undefined))), {
        onFailure: "log"
      })
      const machine: Machine = {
        host: host.addresses[0]!,
        kill: Effect.suspend(() => {
          killed = Scope.makeUnsafe()
          return Scope.provide(Fault.kill(host), killed)
        }),
        start: Effect.suspend(() => {
          listening = Deferred.makeUnsafe<void>()
          return Effect.andThen(Scope.close(killed, Exit.void), Deferred.await(listening))
        }),
        pause: Effect.suspend(() => {
          paused = Scope.makeUnsafe()
          return Scope.provide(Fault.pause(host), paused)
        }),
        resume: Effect.suspend(() => Scope.close(paused, Exit.void))
      }
      yield* Deferred.await(listening)
      return yield* Host.run(client, observe(machine))
    }),
    { seed, tcp: { ephemeralPorts: [...ephemeralPorts] }, trace: false }
  ).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
