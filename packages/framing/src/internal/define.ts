import * as Pipeable from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type { Framing } from "../Framing.ts"
import { FramingError, InvalidFraming } from "../FramingError.ts"
import type { FramingInput, NoFrame } from "../FramingInput.ts"
import type { FramingOutput } from "../FramingOutput.ts"

export const TypeId = "~@sluice/framing/Framing"

export type Decode<In> = (input: FramingInput) => In | NoFrame
export type Encode<Out> = (frame: Out, output: FramingOutput) => void

class FramingValue<Out, In> extends Pipeable.Class {
  readonly [TypeId] = TypeId
  readonly makeDecode: () => Decode<In>
  readonly encode: Encode<Out>
  readonly invalid: FramingError | undefined
  constructor(makeDecode: () => Decode<In>, encode: Encode<Out>, invalid: FramingError | undefined) {
    super()
    this.makeDecode = makeDecode
    this.encode = encode
    this.invalid = invalid
  }
}

export const isFraming = (value: unknown): value is Framing<unknown, unknown> => hasProperty(value, TypeId)

/** A framing whose decode function keeps no state. */
export const stateless = <Out, In>(decode: Decode<In>, encode: Encode<Out>): Framing<Out, In> =>
  new FramingValue(() => decode, encode, undefined)

/** A framing whose decode function is made anew for each byte stream. */
export const stateful = <Out, In>(makeDecode: () => Decode<In>, encode: Encode<Out>): Framing<Out, In> =>
  new FramingValue(makeDecode, encode, undefined)

const refuse = (error: FramingError): Framing<unknown, never> =>
  new FramingValue<unknown, never>(
    () => (input) => input.fail(error),
    (_, output) => output.fail(error),
    error
  )

/** A framing that cannot work, and says so whenever it is used. */
export const invalid = (framing: string, why: string): Framing<unknown, never> =>
  refuse(new FramingError({ reason: new InvalidFraming({ framing, why }) }))

/** Builds on valid framings; an invalid one makes the result invalid. */
export const derive = <Out, In>(
  framings: ReadonlyArray<Framing<never, unknown>>,
  make: () => Framing<Out, In>
): Framing<Out, In> => {
  const bad = framings.find((framing) => framing.invalid !== undefined)
  return bad === undefined ? make() : refuse(bad.invalid!)
}

/** What is wrong with a limit in bytes, if anything. */
export const limitProblem = (name: string, limit: number): string | undefined =>
  Number.isSafeInteger(limit) && limit >= 0
    ? undefined
    : `${name} is ${limit}; it must be a whole number of bytes, 0 or more`

/** What a frame may measure at most, in bytes, unless told otherwise: 1 MiB. */
export const defaultMaxFrameLength = 1024 * 1024
