/**
 * The modules of `@sluice/client`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * @since 0.1.0
 */
export * as ClusterSocket from "./ClusterSocket.ts"
export * as FramedClient from "./FramedClient.ts"
export * as Reconnecting from "./Reconnecting.ts"
