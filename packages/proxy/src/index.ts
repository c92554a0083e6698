/**
 * The modules of `@sluice/proxy`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * @since 0.1.0
 */
export * as ProxyProtocol from "./ProxyProtocol.ts"
export * as ProxyProtocolError from "./ProxyProtocolError.ts"
