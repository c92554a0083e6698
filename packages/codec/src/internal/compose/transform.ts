import * as Result from "effect/Result"
import { type CodecValue, derive } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"

/** Another value for the same bytes. */
export const transform = <A, B>(
  codec: CodecValue<A>,
  decode: (value: A) => Result.Result<B, string>,
  encode: (value: B) => Result.Result<A, string>
): CodecValue<B> =>
  derive<A, B>(codec, {
    hidden: false,
    measure: undefined,
    role: undefined,
    read: (c) => {
      // Where it began, so that an error tells the same place after a stop.
      const from = !codec.atomic && c.saved.length > 0 ? c.saved.pop() as number : c.at - c.start
      const value = codec.read(c)
      if (value === stop) return codec.atomic ? stop : c.leave(from, undefined)
      const result = decode(value)
      return Result.isSuccess(result) ? result.success : c.fail(result.failure, c.start + from)
    },
    write: (value, writer) => {
      const result = encode(value)
      if (Result.isFailure(result)) writer.fail(result.failure)
      else codec.write(result.success, writer)
    },
    sample: (random) => {
      for (let attempt = 0; attempt < 1000; attempt++) {
        const result = decode(codec.sample(random))
        if (Result.isSuccess(result)) return result.success
      }
      throw new Error(`no sample of ${codec.kind} decodes: give the codec fewer values that are refused`)
    }
  })

/** The same with functions that always succeed. */
export const map = <A, B>(codec: CodecValue<A>, decode: (value: A) => B, encode: (value: B) => A): CodecValue<B> =>
  derive<A, B>(codec, {
    hidden: false,
    role: undefined,
    measure: codec.least === codec.most
      ? () => codec.least
      : codec.measure === undefined
      ? undefined
      : (value) => codec.measure!(encode(value)),
    read: (c) => {
      const value = codec.read(c)
      return value === stop ? stop : decode(value)
    },
    write: (value, writer) => codec.write(encode(value), writer),
    sample: (random) => decode(codec.sample(random))
  })

/** The values that pass a test. */
export const refine = <A>(codec: CodecValue<A>, isValid: (value: A) => boolean, why: string): CodecValue<A> => {
  const checked = transform<A, A>(
    codec,
    (value) => isValid(value) ? Result.succeed(value) : Result.fail(why),
    (value) => isValid(value) ? Result.succeed(value) : Result.fail(why)
  )
  return derive<A>(checked, { measure: codec.measure })
}

/** At most `limit` bytes. */
export const limited = <A>(codec: CodecValue<A>, limit: number): CodecValue<A> =>
  derive<A>(codec, {
    most: Math.min(codec.most, limit),
    atomic: false,
    role: undefined,
    problem: codec.problem ??
      (Number.isSafeInteger(limit) && limit >= codec.least
        ? undefined
        : `limit is ${limit}; it must be at least the ${codec.least} bytes that every value takes`),
    read: (c) => {
      const from = c.saved.length > 0 ? c.saved.pop() as number : c.at - c.start
      const { cap, end, limit: outer } = c
      if (from + limit >= cap) {
        const value = codec.read(c)
        return value === stop ? c.leave(from, undefined) : value
      }
      c.cap = from + limit
      c.limit = limit
      if (end > c.start + c.cap) c.end = c.start + c.cap
      const value = codec.read(c)
      if (value !== stop && c.at - c.start > c.cap) c.overrun(c.at - c.start)
      c.cap = cap
      c.limit = outer
      c.end = end
      if (c.problem !== undefined) return stop
      return value === stop ? c.leave(from, undefined) : value
    },
    write: (value, writer) => {
      const from = writer.position
      codec.write(value, writer)
      if (writer.position - from > limit) writer.exceed(writer.position - from, limit)
    }
  })
