/**
 * The modules of `@sluice/simulation`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * Not here, because it needs an optional peer dependency: `@sluice/simulation/VitestSimulation`.
 *
 * @since 0.1.0
 */
export * as Campaign from "./Campaign.ts"
export * as Disk from "./Disk.ts"
export * as Fault from "./Fault.ts"
export * as History from "./History.ts"
export * as Host from "./Host.ts"
export * as Link from "./Link.ts"
export * as Rule from "./Rule.ts"
export * as SimCertificate from "./SimCertificate.ts"
export * as SimDns from "./SimDns.ts"
export * as SimNetwork from "./SimNetwork.ts"
export * as SimRpc from "./SimRpc.ts"
export * as Simulation from "./Simulation.ts"
export * as SimulationError from "./SimulationError.ts"
export * as Trace from "./Trace.ts"
