/**
 * Checks that a framing keeps the laws of framings, for tests of your own ones with any test runner.
 *
 * Every check takes plain values and returns a `Result`: nothing if the law holds for these values, or the
 * {@link LawViolation} with what was tried. Feed them from property tests, or from a few examples.
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as FramingLaws from "@sluice/conformance/FramingLaws"
 *
 * const framing = Framing.lines({ ending: "crlf" })
 *
 * Result.getOrThrow(FramingLaws.all(framing, { frames: ["", "EHLO example.org", "QUIT"], maxBuffered: 65538 }))
 * ```
 *
 * @since 0.1.0
 */
import { decodeAll, encodeAll, type Framing, makeDecoder, noFrame } from "@sluice/framing/Framing"
import type { FramingErrorReason } from "@sluice/framing/FramingError"
import * as Bytes from "effect/Bytes"
import * as Data from "effect/Data"
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"

/** A law of framings; the names are those of the design.
 *
 * @since 0.1.0
 * @category models
 */
export type Law =
  | "F1 any split gives the same"
  | "F2 what is encoded is decoded"
  | "F3 good frames come before the error"
  | "F4 memory is bounded"
  | "F5 truncated input is an error"
  | "F7 decoding makes progress"
  | "F8 what is decoded can be encoded"

/** A framing breaks a law.
 *
 * @since 0.1.0
 * @category errors
 */
export class LawViolation extends Data.TaggedError("LawViolation")<{
  readonly law: Law
  /** What was tried, what should have come out and what did. */
  readonly message: string
}> {}

/** Everything that comes out of a decoder for one input.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome<out In> {
  readonly frames: ReadonlyArray<In>
  readonly error: FramingErrorReason | undefined
}

/** What a framing makes of an input that came in these chunks.
 *
 * @since 0.1.0
 * @category testing
 */
export const decodeChunks = <In>(framing: Framing<never, In>, chunks: Iterable<Uint8Array>): Outcome<In> => {
  const decoder = makeDecoder(framing)
  const frames: Array<In> = []
  const drain = () => {
    for (let frame = decoder.next(); frame !== noFrame; frame = decoder.next()) frames.push(frame)
  }
  for (const chunk of chunks) {
    decoder.feed(chunk)
    drain()
  }
  decoder.finish()
  drain()
  return { frames, error: decoder.error?.reason }
}

/** Options of {@link splits}.
 *
 * @since 0.1.0
 * @category options
 */
export interface SplitsOptions {
  /** Up to this length every way of splitting is tried; 10 bytes by default, which have 512. */
  readonly exhaustiveLength?: number | undefined
  /** How many random ways to try on longer input; 20 by default. */
  readonly randomSplits?: number | undefined
  /** What decides the random ways; 1 by default. */
  readonly seed?: number | undefined
}

/**
 * F1: however these bytes are split, the same frames come out, and the same error at the same offset. The bytes can be
 * anything; corrupted and truncated input is worth most.
 *
 * @since 0.1.0
 * @category testing
 */
export const splits = <In>(
  framing: Framing<never, In>,
  bytes: Uint8Array,
  options: SplitsOptions = {}
): Result.Result<void, LawViolation> =>
  progressing(() => {
    const { exhaustiveLength = 10, randomSplits = 20, seed = 1 } = options
    const whole = decodeChunks(framing, [bytes.slice()])
    for (const cuts of waysToSplit(bytes.length, exhaustiveLength, randomSplits, seed)) {
      const chunks = split(bytes, cuts)
      const outcome = decodeChunks(framing, chunks)
      if (!Equal.equals(outcome, whole)) {
        return violation("F1 any split gives the same", [
          `in chunks of ${chunks.map((chunk) => chunk.length).join(" + ")} bytes, ${show(bytes)}`,
          `should give ${show(whole)}`,
          `but gives ${show(outcome)}`
        ])
      }
      // Asking for frames late must change nothing either.
      const late = decodeAll(framing, split(bytes, cuts))
      const lateError = Result.isFailure(late) ? late.failure.reason : undefined
      const lateFrames = Result.isSuccess(late) ? late.success : whole.frames
      if (!Equal.equals({ frames: lateFrames, error: lateError }, whole)) {
        return violation("F1 any split gives the same", [
          `fed at once in chunks of ${chunks.map((chunk) => chunk.length).join(" + ")} bytes, ${show(bytes)}`,
          `should give ${show(whole)}`,
          `but gives ${show({ frames: lateFrames, error: lateError })}`
        ])
      }
    }
    return Result.void
  })

/**
 * F2: those of these frames that can be encoded are decoded as they were. Frames that encoding refuses are left out, and
 * must leave no bytes behind.
 *
 * @since 0.1.0
 * @category testing
 */
export const roundTrip = <A>(framing: Framing<A>, frames: ReadonlyArray<A>): Result.Result<void, LawViolation> =>
  progressing(() => {
    const { accepted, bytes } = encodeEach(framing, frames)
    const outcome = decodeChunks(framing, [Bytes.concat(bytes)])
    const expected: Outcome<A> = { frames: accepted, error: undefined }
    return Equal.equals(outcome, expected) ? Result.void : violation("F2 what is encoded is decoded", [
      show(Bytes.concat(bytes)),
      `should give ${show(expected)}`,
      `but gives ${show(outcome)}`
    ])
  })

/**
 * F8: every frame that these bytes decode to can be encoded, and is decoded as it was. Without this law, what one peer sends
 * may be refused on its way to another.
 *
 * This is not for framings that drop what encoding cannot restore, as stripped headers are, nor for frames of another type
 * than those that are encoded, as with `duplex` and `recover`.
 *
 * @since 0.1.0
 * @category testing
 */
export const echo = <A>(framing: Framing<A>, bytes: Uint8Array): Result.Result<void, LawViolation> =>
  progressing(() => {
    for (const frame of decodeChunks(framing, [bytes]).frames) {
      const tried = `of ${show(bytes)}, the frame ${show(frame)}`
      const encoded = encodeAll(framing, [frame])
      if (Result.isFailure(encoded)) {
        return violation("F8 what is decoded can be encoded", [
          tried,
          "should be encoded",
          `but fails: ${encoded.failure.message}`
        ])
      }
      const outcome = decodeChunks(framing, encoded.success)
      if (!Equal.equals(outcome, { frames: [frame], error: undefined })) {
        return violation("F8 what is decoded can be encoded", [
          tried,
          `should come back from ${show(Bytes.concat(encoded.success))}`,
          `but gives ${show(outcome)}`
        ])
      }
    }
    return Result.void
  })

/** F3: whatever bytes follow these frames, the frames are delivered first.
 *
 * @since 0.1.0
 * @category testing
 */
export const delivery = <A>(
  framing: Framing<A>,
  frames: ReadonlyArray<A>,
  rest: Uint8Array
): Result.Result<void, LawViolation> =>
  progressing(() => {
    const { accepted, bytes } = encodeEach(framing, frames)
    const input = Bytes.concat([...bytes, rest])
    const outcome = decodeChunks(framing, [input])
    return Equal.equals(outcome.frames.slice(0, accepted.length), accepted) ? Result.void : violation(
      "F3 good frames come before the error",
      [show(input), `should first give ${show(accepted)}`, `but gives ${show(outcome)}`]
    )
  })

/** F4: while these bytes come one by one, and no frame is taken from a larger piece, at most `maxBuffered` are held.
 *
 * @since 0.1.0
 * @category testing
 */
export const memory = <In>(
  framing: Framing<never, In>,
  bytes: Iterable<number>,
  maxBuffered: number
): Result.Result<void, LawViolation> =>
  progressing(() => {
    const decoder = makeDecoder(framing)
    let fed = 0
    for (const byte of bytes) {
      decoder.feed(Uint8Array.of(byte))
      fed++
      while (decoder.next() !== noFrame);
      if (decoder.buffered > maxBuffered) {
        return violation("F4 memory is bounded", [
          `after ${fed} bytes`,
          `at most ${maxBuffered} should be held`,
          `but ${decoder.buffered} are`
        ])
      }
      if (decoder.error !== undefined) break
    }
    return Result.void
  })

/**
 * F5: wherever these frames are cut off, those before the cut come out, and `TruncatedFrame` if it lies inside a frame.
 *
 * This is not for framings that are told to take the end of the input as the end of a frame.
 *
 * @since 0.1.0
 * @category testing
 */
export const truncation = <A>(framing: Framing<A>, frames: ReadonlyArray<A>): Result.Result<void, LawViolation> =>
  progressing(() => {
    const { accepted, bytes } = encodeEach(framing, frames)
    const all = Bytes.concat(bytes)
    let whole = 0
    let end = 0
    for (let cut = 0; cut < all.length; cut++) {
      while (whole < bytes.length && end + bytes[whole]!.length <= cut) end += bytes[whole++]!.length
      const outcome = decodeChunks(framing, [all.slice(0, cut)])
      const inside = cut > end
      if (
        !Equal.equals(outcome.frames, accepted.slice(0, whole)) ||
        outcome.error?._tag !== (inside ? "TruncatedFrame" : undefined)
      ) {
        return violation("F5 truncated input is an error", [
          `${show(all)} cut after ${cut} bytes`,
          `should give ${show(accepted.slice(0, whole))}${inside ? " and TruncatedFrame" : ""}`,
          `but gives ${show(outcome)}`
        ])
      }
    }
    return Result.void
  })

/** What {@link all} tries.
 *
 * @since 0.1.0
 * @category options
 */
export interface Examples<out A> extends SplitsOptions {
  /** Frames to encode and decode. An empty one is worth having. */
  readonly frames: ReadonlyArray<A>
  /** Inputs of bad bytes, to follow the frames and to be tried by themselves; none by default. */
  readonly hostile?: ReadonlyArray<Uint8Array> | undefined
  /** How many bytes a decoder may hold: the frame limit and the longest header or delimiter. */
  readonly maxBuffered: number
  /** Whether decoding drops what encoding cannot restore, so that F8 does not hold; false by default. */
  readonly oneWay?: boolean | undefined
}

/** All laws, on these frames and on their bytes with each byte in turn broken.
 *
 * @since 0.1.0
 * @category testing
 */
export const all = <A>(framing: Framing<A>, examples: Examples<A>): Result.Result<void, LawViolation> => {
  const { frames, hostile = [], maxBuffered, oneWay = false } = examples
  const bytes = Bytes.concat(encodeEach(framing, frames).bytes)
  const broken = Array.from(bytes, (byte, i) => bytes.with(i, byte ^ 0x55))
  const inputs = [bytes, ...broken, ...hostile]
  return firstFailure([
    () => roundTrip(framing, frames),
    () => truncation(framing, frames),
    ...inputs.map((input) => () => splits(framing, input, examples)),
    ...inputs.map((input) => () => memory(framing, input, maxBuffered)),
    ...hostile.map((input) => () => delivery(framing, frames, input)),
    ...(oneWay ? [] : inputs.map((input) => () => echo(framing, input)))
  ])
}

/** A decode function that consumes nothing, or what is not there, makes the decoder throw. Neither function may throw itself. */
const progressing = (check: () => Result.Result<void, LawViolation>): Result.Result<void, LawViolation> => {
  try {
    return check()
  } catch (error) {
    return violation("F7 decoding makes progress", [
      "decoding and encoding should not throw",
      `but throw ${error instanceof Error ? error.message : String(error)}`
    ])
  }
}

const firstFailure = (
  checks: Iterable<() => Result.Result<void, LawViolation>>
): Result.Result<void, LawViolation> => {
  for (const check of checks) {
    const result = check()
    if (Result.isFailure(result)) return result
  }
  return Result.void
}

/** The frames that can be encoded, and the bytes of each. */
const encodeEach = <A>(
  framing: Framing<A>,
  frames: ReadonlyArray<A>
): { readonly accepted: ReadonlyArray<A>; readonly bytes: ReadonlyArray<Uint8Array> } => {
  const accepted: Array<A> = []
  const bytes: Array<Uint8Array> = []
  for (const frame of frames) {
    const encoded = encodeAll(framing, [frame])
    if (Result.isFailure(encoded)) continue
    accepted.push(frame)
    bytes.push(Bytes.concat(encoded.success))
  }
  return { accepted, bytes }
}

/** The places to cut, for each way to split `length` bytes that is to be tried. */
function* waysToSplit(
  length: number,
  exhaustiveLength: number,
  randomSplits: number,
  seed: number
): Generator<ReadonlyArray<number>> {
  const places = Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)
  if (length <= exhaustiveLength) {
    for (let chosen = 0; chosen < 2 ** places.length; chosen++) yield places.filter((_, i) => (chosen >> i) & 1)
    return
  }
  yield places
  const random = mulberry32(seed)
  for (let i = 0; i < randomSplits; i++) {
    const likelihood = random() ** 3
    yield places.filter(() => random() < likelihood)
  }
}

/** Copies, so that no chunk shares memory with another. */
const split = (bytes: Uint8Array, cuts: ReadonlyArray<number>): Array<Uint8Array> =>
  [...cuts, bytes.length].map((cut, i) => bytes.slice(i === 0 ? 0 : cuts[i - 1], cut))

/** A small generator of numbers from 0 to 1, by Tommy Ettinger. */
const mulberry32 = (seed: number) => {
  let state = seed | 0
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const violation = (law: Law, lines: ReadonlyArray<string>): Result.Result<never, LawViolation> =>
  Result.fail(new LawViolation({ law, message: `${law}:\n  ${lines.join("\n  ")}` }))

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

const show = (value: unknown): string =>
  value instanceof Uint8Array
    ? `<${hex(value)}>`
    : JSON.stringify(value, (_, item) =>
      item instanceof Uint8Array ? `<${hex(item)}>` : typeof item === "bigint" ? `${item}n` : item)
