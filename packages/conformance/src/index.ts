/**
 * The modules of `@sluice/conformance`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * Not here, because it needs an optional peer dependency: `@sluice/conformance/VitestConformance`.
 *
 * @since 0.1.0
 */
export * as Check from "./Check.ts"
export * as Conformance from "./Conformance.ts"
export * as FramingLaws from "./FramingLaws.ts"
