/** Runs a sequence over the kernel and over the simulation, and compares what they observe. */
import * as Network from "@sluice/core/Network"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Sequence from "./Sequence.ts"

/** Where the two differ first. */
export interface Difference {
  readonly seed: number
  readonly index: number
  readonly steps: ReadonlyArray<string>
  readonly kernel: string
  readonly simulation: string
}

/** Compares the two for one seed. */
export const find = Effect.fnUntraced(function*(seed: number) {
  const sequence = yield* Sequence.make(seed)
  const kernel = yield* Effect.provide(Sequence.run(sequence), NodeNetwork.layer)
  const simulation = yield* Simulation.run(
    Effect.flatMap(
      SimNetwork.host("host"),
      (host) => Effect.provideService(Sequence.run(sequence), Network.Network, Host.network(host))
    ),
    { seed, trace: false }
  )
  const index = kernel.findIndex(({ outcome }, at) => outcome !== simulation[at]!.outcome)
  if (index === -1) return undefined
  return {
    seed,
    index,
    steps: kernel.slice(0, index + 1).map(({ outcome, step }) => `${step}: ${outcome}`),
    kernel: kernel[index]!.outcome,
    simulation: simulation[index]!.outcome
  } satisfies Difference
})
