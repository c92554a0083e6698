import { describe, it } from "@effect/vitest"
import * as Conformance from "@sluice/conformance/Conformance"
import * as VitestConformance from "@sluice/conformance/VitestConformance"
import * as Network from "@sluice/core/Network"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import { overTls } from "./fixtures/overTls.ts"

interface Suite {
  readonly checks: ReadonlyArray<Conformance.Check>
  /** What the network is seen through. */
  readonly through?: typeof overTls
}

// What both ends keep is less than this by default: the checks that fill buffers need not try more.
const bufferLimit = 1024 * 1024
let paths = 0
const tcp = (host: string) => Conformance.streams({ endpoint: () => `tcp://${host}:0`, resets: true, bufferLimit })
const suites: Record<string, Suite> = {
  "TCP over IPv4": { checks: tcp("127.0.0.1") },
  "TCP over IPv6": { checks: tcp("[::1]") },
  TLS: { checks: tcp("127.0.0.1"), through: overTls },
  "Unix-domain": {
    checks: Conformance.streams({ endpoint: () => `unix:///run/${++paths}`, resets: false, bufferLimit })
  },
  "UDP over IPv4": { checks: Conformance.datagrams({ endpoint: () => "udp://127.0.0.1:0", refuses: true }) },
  "UDP over IPv6": { checks: Conformance.datagrams({ endpoint: () => "udp://[::1]:0", refuses: true }) }
}

for (const [name, { checks, through = identity }] of Object.entries(suites)) {
  const network = Layer.effect(Network.Network, Effect.map(Effect.service(Network.Network), through)).pipe(
    Layer.provide(SimNetwork.layerNetwork())
  )
  VitestConformance.suite(`${name}, simulated, by the real clock`, network, checks)
}

const simulated = (name: string, { checks, through = identity }: Suite, options: Simulation.Options) =>
  describe(`${name}, in a simulation`, () => {
    for (const check of checks) {
      it.effect(`${check.law}: ${check.name}`, () =>
        Effect.gen(function*() {
          const run = yield* Simulation.checkDeterminism(
            Effect.flatMap(SimNetwork.host("host"), (host) => {
              // Each run has the same paths, which its log lines name.
              paths = 0
              return Effect.provideService(check.run, Network.Network, through(Host.network(host)))
            }),
            options
          )
          if (Exit.isFailure(run.exit)) {
            return yield* run.exit
          }
        }))
    }
  })

for (const [name, suite] of Object.entries(suites)) {
  simulated(name, suite, { seed: name })
  simulated(`${name}, in random order`, suite, { seed: name, schedule: "random" })
}

// Datagrams may be lost, so only streams must bear this. Segments are not cut: some checks read a short write at once.
const rough = {
  latency: "500 micros",
  jitter: "200 micros",
  loss: 0.002,
  duplication: 0.02,
  reordering: 0.05
} as const
for (const name of ["TCP over IPv4", "TLS"]) {
  simulated(`${name}, on a rough link`, suites[name]!, { seed: 7, loopback: rough })
}
