import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Pull from "effect/Pull"
import * as NetworkError from "../../NetworkError.ts"
import type { Reader } from "./receiveQueue.ts"
import type { ConnectionState } from "./state.ts"

type Reading<A> = Effect.Effect<A, NetworkError.NetworkError>

/**
 * Waits for one chunk, and gives what `onChunk` and `onEnd` make of it as soon as it arrives. Made once for a loop that
 * runs it again and again, so that a pull allocates next to nothing; it must not run twice at a time.
 */
export const nextChunk = <A, E>(
  self: ConnectionState,
  onChunk: (chunk: Uint8Array) => Effect.Effect<A, E>,
  onEnd: () => Effect.Effect<A, E>
): Effect.Effect<A, E | NetworkError.NetworkError> => {
  const { input } = self
  let settle: (result: Effect.Effect<A, E | NetworkError.NetworkError>) => void
  const reader: Reader = (chunk, error) =>
    settle(error !== undefined ? Effect.fail(error) : chunk !== undefined ? onChunk(chunk) : onEnd())
  const forget = Effect.sync(() => input.forget(reader))
  return Effect.callback((resume) => {
    settle = resume
    input.take(reader)
    return forget
  })
}

export const read = (self: ConnectionState): Reading<Option.Option<Uint8Array>> => self.reading ??= makeRead(self)

const resultOf: (...result: Parameters<Reader>) => Reading<Option.Option<Uint8Array>> = (chunk, error) =>
  error !== undefined ? Effect.fail(error) : chunk === undefined ? Effect.succeedNone : Effect.succeedSome(chunk)

/** Makes the read of a connection, which every loop runs again and again. */
const makeRead = (self: ConnectionState): Reading<Option.Option<Uint8Array>> => {
  const { input } = self
  let settle: ((result: Reading<Option.Option<Uint8Array>>) => void) | undefined
  const reader: Reader = (chunk, error) => {
    const resume = settle!
    settle = undefined
    resume(resultOf(chunk, error))
  }
  const forget = Effect.sync(() => {
    settle = undefined
    input.forget(reader)
  })
  return Effect.callback((resume) => {
    const refusal = self.reclaim()
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const chunk = input.poll()
    if (chunk !== undefined) return resume(Effect.succeedSome(chunk))
    if (settle === undefined) {
      settle = resume
      input.take(reader)
      return forget
    }
    // Another fiber reads.
    const own: Reader = (chunk, error) => resume(resultOf(chunk, error))
    input.take(own)
    return Effect.sync(() => input.forget(own))
  })
}

/** Reads the next chunk, for one Stream. */
export const pull = (
  self: ConnectionState
): Effect.Effect<Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, NetworkError.NetworkError>> =>
  Effect.sync(() => {
    const refusal = self.reclaim()
    return refusal !== undefined ? Effect.fail(refusal) : nextChunk<Arr.NonEmptyReadonlyArray<Uint8Array>, Cause.Done>(
      self,
      (chunk) => Effect.succeed([chunk]),
      () => Cause.done()
    )
  })

export const readExactly = (self: ConnectionState, count: number): Reading<Uint8Array> =>
  Effect.suspend(() => {
    const { input } = self
    if (!Number.isSafeInteger(count) || count < 0) {
      return invalidOption(self, "count", count, "a whole number of bytes")
    }
    const refusal = self.reclaim()
    if (refusal !== undefined) return Effect.fail(refusal)
    const attempt: Reading<Uint8Array> = Effect.suspend(() => {
      const received = input.available
      if (received >= count) return Effect.succeed(input.takeBytes(count))
      if (!input.isEnded) return Effect.andThen(more(self), attempt)
      return fail(self, new NetworkError.UnexpectedEnd({ received, expected: count }))
    })
    return attempt
  })

export const readUntil = (
  self: ConnectionState,
  delimiter: Uint8Array | string,
  limit: number
): Reading<Uint8Array> =>
  Effect.suspend(() => {
    const { input } = self
    if (!(limit >= 0)) return invalidOption(self, "limit", limit, "a number of bytes")
    const wanted = typeof delimiter === "string" ? encoder.encode(delimiter) : delimiter
    if (wanted.length === 0) return invalidOption(self, "delimiter", "", "at least one byte")
    const refusal = self.reclaim()
    if (refusal !== undefined) return Effect.fail(refusal)
    const search = (start: number): Reading<Uint8Array> => {
      const at = input.indexOf(wanted, start)
      const received = input.available
      if (at !== -1 && at + wanted.length <= limit) return Effect.succeed(input.takeBytes(at + wanted.length))
      if (at !== -1 || received >= limit) return fail(self, new NetworkError.LimitExceeded({ limit }))
      if (input.isEnded) return fail(self, new NetworkError.UnexpectedEnd({ received }))
      // Bytes seen once are not searched again, but for those in which a delimiter may have begun.
      return Effect.flatMap(more(self), () => search(Math.max(0, received - wanted.length + 1)))
    }
    return search(0)
  })

export const readAll = (self: ConnectionState, limit: number): Reading<Uint8Array> =>
  Effect.suspend(() => {
    const { input } = self
    if (!(limit >= 0)) return invalidOption(self, "limit", limit, "a number of bytes")
    const refusal = self.reclaim()
    if (refusal !== undefined) return Effect.fail(refusal)
    const attempt: Reading<Uint8Array> = Effect.suspend(() => {
      if (input.available > limit) return fail(self, new NetworkError.LimitExceeded({ limit }))
      if (input.isEnded) return Effect.succeed(input.takeBytes(input.available))
      return Effect.andThen(more(self), attempt)
    })
    return attempt
  })

/** Waits until more bytes are available than now, or the end. */
export const more = (self: ConnectionState): Reading<void> =>
  Effect.callback((resume) => {
    const { input } = self
    const reader: Reader = (_, error) => resume(error === undefined ? Effect.void : Effect.fail(error))
    input.gather(reader)
    return Effect.sync(() => input.forget(reader))
  })

export const fail = (self: ConnectionState, reason: NetworkError.Reason): Reading<never> =>
  Effect.fail(self.error("read", reason))

export const invalidOption = (
  self: ConnectionState,
  option: string,
  value: unknown,
  expected: string
): Reading<never> => fail(self, new NetworkError.InvalidOption({ option, value, expected }))

const encoder = new TextEncoder()
