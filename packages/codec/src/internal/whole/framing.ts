import * as Framing from "@sluice/framing/Framing"
import * as FramingErrors from "@sluice/framing/FramingError"
import type { FramingInput } from "@sluice/framing/FramingInput"
import type { FramingOutput } from "@sluice/framing/FramingOutput"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import type { AnyCodec, CodecValue } from "../machine/codec.ts"
import { Cursor, joinNames, type Stop, stop } from "../machine/cursor.ts"
import { plural } from "../machine/plural.ts"
import { Writer } from "../machine/writer.ts"

const errorOf = (reason: FramingErrors.FramingErrorReason): FramingErrors.FramingError =>
  new FramingErrors.FramingError({ reason })

/** What makes a codec unusable as a whole, if anything. */
export const problemOf = (codec: AnyCodec): string | undefined => {
  if (sound.has(codec)) return undefined
  const problem = findProblem(codec)
  if (problem === undefined) sound.add(codec)
  return problem
}

/** The codecs that have been found to be usable. */
const sound = new WeakSet<AnyCodec>()

const findProblem = (codec: AnyCodec): string | undefined => {
  const end = codec.problem === undefined ? codec.align(0) : 0
  return codec.problem ??
    (typeof end === "string" ? end : undefined) ??
    (end === 0 ? undefined : `it ends ${plural(end as number, "bit")} into a byte; pad the bits to a whole byte`)
}

const invalidOf = (why: string): FramingErrors.FramingError =>
  errorOf(new FramingErrors.InvalidFraming({ framing: "Codec", why }))

/** The names of the fields around a problem, which come innermost first. */
const pathOf = (title: string | undefined, path: ReadonlyArray<string>): string =>
  joinNames([...(title === undefined ? [] : [title]), ...path.toReversed()])

export const decodeError = (c: Cursor, title: string | undefined): FramingErrors.FramingError => {
  const problem = c.problem!
  const { offset } = c
  if (problem._tag === "TooLong" && problem.limit === c.frameLimit && c.cap === c.frameLimit) {
    return errorOf(new FramingErrors.FrameTooLong({ limit: problem.limit, length: problem.length, offset }))
  }
  const path = pathOf(title, c.path)
  const what = problem._tag === "TooLong" ? `${problem.length} exceeds limit ${problem.limit}` : problem.why
  const why = `${path === "" ? "" : `${path}: `}${what} at offset ${offset + problem.at - c.start}`
  return errorOf(new FramingErrors.CorruptFrame({ why, offset }))
}

const encodeError = (writer: Writer, title: string | undefined, offset: number): FramingErrors.FramingError => {
  const path = pathOf(title, writer.path)
  const why = `${path === "" ? "" : `${path}: `}${writer.problem}`
  return errorOf(new FramingErrors.CorruptFrame({ why, offset }))
}

/** The framing of frames that a codec describes. */
export const framing = <A>(codec: CodecValue<A>, limit: number): Framing.Framing<A> => {
  const problem = problemOf(codec) ??
    (codec.greedy ? "it takes all bytes, so that a frame has no end; give it a length or a delimiter" : undefined) ??
    (codec.least > 0 ? undefined : "a frame can be without a byte, so that there is no end of frames") ??
    (Number.isSafeInteger(limit) && limit >= 1 ? undefined : `maxFrameLength is ${limit}; it must be 1 or more bytes`)
  if (problem !== undefined) return invalidFraming(invalidOf(problem))
  return Framing.make<A>({
    makeDecode: () => makeDecode(codec, limit),
    encode: makeEncode(codec, limit)
  })
}

const invalidFraming = <A>(error: FramingErrors.FramingError): Framing.Framing<A> =>
  Object.assign(
    Framing.make<A>({ decode: (input) => input.fail(error), encode: (_, output) => output.fail(error) }),
    { invalid: error }
  )

const makeDecode = <A>(codec: CodecValue<A>, limit: number) => {
  const c = new Cursor(limit)
  const { read } = codec
  return (input: FramingInput): A | Framing.NoFrame => {
    let value: A | Stop
    if (c.isOpen) value = advance(codec, c, input)
    else {
      const { end, start } = input
      c.isOpen = true
      c.bytes = input.bytes
      c.base = c.start = c.at = start
      c.end = end - start > limit ? start + limit : end
      value = read(c)
    }
    if (value !== stop) {
      c.isOpen = false
      input.skip(c.at - c.start)
      return value
    }
    c.offset = input.offset
    c.isOpen = true
    if (c.problem === undefined) return input.need(c.wanted)
    const error = decodeError(c, codec.title)
    c.reset()
    return input.fail(error)
  }
}

/** Reads on in the frame that was begun, or the next. */
export const advance = <A>(codec: CodecValue<A>, c: Cursor, input: FramingInput): A | Stop => {
  const { bytes, end, offset, start } = input
  // What was saved belongs to a frame that the input may have taken away since.
  const isOpen = c.saved.length > 0 && c.offset === offset
  const at = isOpen ? start + c.at - c.start : start
  if (!isOpen) c.reset()
  c.bytes = bytes
  c.base = c.start = start
  c.at = at
  c.end = end - start > c.frameLimit ? start + c.frameLimit : end
  c.offset = offset
  c.steps++
  return codec.read(c)
}

const makeEncode = <A>(codec: CodecValue<A>, limit: number) => {
  const writer = new Writer()
  const { write } = codec
  return (value: A, output: FramingOutput): void => {
    const { isCareful } = writer
    writer.begin(output)
    write(value, writer)
    if (writer.isCareful !== isCareful) {
      writer.begin(output)
      write(value, writer)
    }
    if (writer.problem === undefined) {
      const length = writer.position
      if (length <= limit) return writer.finish()
      return output.fail(errorOf(new FramingErrors.FrameTooLong({ limit, length, offset: output.offset })))
    }
    output.fail(encodeError(writer, codec.title, output.offset))
  }
}

/** Larger than any message, and a small integer to the engine, so that all cursors look alike to it. */
const unlimited = 2 ** 31 - 1

/** The cursor over bytes that are all there. */
export const cursorOver = (bytes: Uint8Array): Cursor => {
  const c = new Cursor(unlimited)
  c.bytes = bytes
  c.end = bytes.length
  c.bounded = true
  return c
}

/** The value that bytes are, from the first to the last. */
export const decodeWhole = <A>(
  codec: CodecValue<A>,
  bytes: Uint8Array
): Result.Result<A, FramingErrors.FramingError> => {
  const problem = problemOf(codec)
  if (problem !== undefined) return Result.fail(invalidOf(problem))
  const c = cursorOver(bytes)
  const value = codec.read(c)
  if (value !== stop && c.at < c.end) c.fail(`${plural(c.end - c.at, "byte")} left over`)
  return value === stop || c.problem !== undefined ? Result.fail(decodeError(c, codec.title)) : Result.succeed(value)
}

/** The framings that encode single values. */
const wholes = new WeakMap<AnyCodec, unknown>()

/** The bytes of a value. */
export const encodeWhole = <A>(
  codec: CodecValue<A>,
  value: A
): Result.Result<Uint8Array, FramingErrors.FramingError> => {
  const problem = problemOf(codec)
  if (problem !== undefined) return Result.fail(invalidOf(problem))
  let whole = wholes.get(codec) as Framing.Framing<A> | undefined
  if (whole === undefined) {
    whole = Framing.make<A>({ decode: (input) => input.more(), encode: makeEncode(codec, Infinity) })
    wholes.set(codec, whole)
  }
  return Result.map(
    Framing.encodeAll(whole, [value]),
    (buffers) => buffers.length === 1 ? buffers[0]! : Bytes.concat(buffers)
  )
}
