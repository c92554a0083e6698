/**
 * The modules of `@sluice/node`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * Not here, because it needs an optional peer dependency: `@sluice/node/TestCertificates`.
 *
 * @since 0.1.0
 */
export * as NodeDuplex from "./NodeDuplex.ts"
export * as NodeHttp from "./NodeHttp.ts"
export * as NodeNetwork from "./NodeNetwork.ts"
export * as NodeProgram from "./NodeProgram.ts"
export * as Systemd from "./Systemd.ts"
export * as Toxics from "./Toxics.ts"
export * as WorkerEvent from "./WorkerEvent.ts"
export * as Workers from "./Workers.ts"
