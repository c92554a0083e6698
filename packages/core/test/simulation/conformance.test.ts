import { describe, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as Host from "@sluice/core/simulation/Host"
import * as SimNetwork from "@sluice/core/simulation/SimNetwork"
import * as Simulation from "@sluice/core/simulation/Simulation"
import * as Conformance from "@sluice/core/testing/Conformance"
import * as VitestConformance from "@sluice/core/testing/VitestConformance"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

// What both ends keep is less than this by default: the checks that fill buffers need not try more.
const bufferLimit = 1024 * 1024
let paths = 0
const suites = {
  "TCP over IPv4": Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true, bufferLimit }),
  "TCP over IPv6": Conformance.streams({ endpoint: () => "tcp://[::1]:0", resets: true, bufferLimit }),
  "Unix-domain": Conformance.streams({ endpoint: () => `unix:///run/${++paths}`, resets: false, bufferLimit }),
  "UDP over IPv4": Conformance.datagrams({ endpoint: () => "udp://127.0.0.1:0", refuses: true }),
  "UDP over IPv6": Conformance.datagrams({ endpoint: () => "udp://[::1]:0", refuses: true })
}

for (const [name, checks] of Object.entries(suites)) {
  VitestConformance.suite(`${name}, simulated, by the real clock`, SimNetwork.layerNetwork(), checks)
}

const simulated = (name: string, checks: ReadonlyArray<Conformance.Check>, options: Simulation.Options) =>
  describe(`${name}, in a simulation`, () => {
    for (const check of checks) {
      it.effect(`${check.law}: ${check.name}`, () =>
        Effect.gen(function*() {
          const run = yield* Simulation.checkDeterminism(
            Effect.flatMap(SimNetwork.host("host"), (host) =>
              Effect.provideService(check.run, Network.Network, Host.network(host))),
            options
          )
          if (Exit.isFailure(run.exit)) {
            return yield* run.exit
          }
        }), 60_000)
    }
  })

for (const [name, checks] of Object.entries(suites)) {
  simulated(name, checks, { seed: name })
  simulated(`${name}, in random order`, checks, { seed: name, schedule: "random" })
}

// Datagrams may be lost, so only streams must bear this. Segments are not cut: some checks read a short write at once.
const rough = {
  latency: "500 micros",
  jitter: "200 micros",
  loss: 0.002,
  duplication: 0.02,
  reordering: 0.05
} as const
simulated("TCP over IPv4, on a rough link", suites["TCP over IPv4"], { seed: 7, loopback: rough })
