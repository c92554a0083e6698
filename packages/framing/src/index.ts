/**
 * The modules of `@sluice/framing`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * @since 0.1.0
 */
export * as Checksum from "./Checksum.ts"
export * as Chunks from "./Chunks.ts"
export * as Framing from "./Framing.ts"
export * as FramingError from "./FramingError.ts"
export * as FramingInput from "./FramingInput.ts"
export * as FramingOutput from "./FramingOutput.ts"
export * as FramingSchema from "./FramingSchema.ts"
export * as FramingSchemaBinary from "./FramingSchemaBinary.ts"
export * as SafeText from "./SafeText.ts"
export * as TextEncoding from "./TextEncoding.ts"
