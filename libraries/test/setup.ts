import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"

// The first run replaces what modules of Node export. Libraries that keep it when they load get what is virtual in runs.
await Effect.runPromise(Simulation.run(Effect.void, { seed: 1, eventLoop: true }))
