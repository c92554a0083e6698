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
 * runs it again and again, so that a pull allocates next to nothing. With `reclaims`, each run starts behind the last message.
 */
export const nextChunk = <A, E>(
  self: ConnectionState,
  onChunk: (chunk: Uint8Array) => Effect.Effect<A, E>,
  onEnd: () => Effect.Effect<A, E>,
  reclaims = false
): Effect.Effect<A, E | NetworkError.NetworkError> => {
  const { input } = self
  let waiting: ((result: Effect.Effect<A, E | NetworkError.NetworkError>) => void) | undefined
  const reader: Reader = (chunk, error) => {
    const resume = waiting!
    waiting = undefined
    resume(error !== undefined ? Effect.fail(error) : chunk !== undefined ? onChunk(chunk) : onEnd())
  }
  const forget = Effect.sync(() => {
    waiting = undefined
    input.forget(reader)
  })
  return Effect.callback((resume) => {
    const refusal = reclaims ? self.reclaim() : undefined
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    // Another fiber runs it, too.
    if (waiting !== undefined) return resume(nextChunk(self, onChunk, onEnd))
    waiting = resume
    input.take(reader)
    return forget
  })
}

/** Reads a chunk, by an effect that each connection makes once. */
export const read = (self: ConnectionState): Reading<Option.Option<Uint8Array>> =>
  self.reading ??= nextChunk<Option.Option<Uint8Array>, never>(self, Effect.succeedSome, onNone, true)

const onNone = () => Effect.succeedNone

/** Reads the next chunk, for one Stream. */
export const pull = (
  self: ConnectionState
): Effect.Effect<Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, NetworkError.NetworkError>> =>
  Effect.sync(() =>
    nextChunk<Arr.NonEmptyReadonlyArray<Uint8Array>, Cause.Done>(self, onePulled, () => Cause.done(), true)
  )

const onePulled = (chunk: Uint8Array) => Effect.succeed([chunk] as const)

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
    const reader: Reader = (_, error) => resume(error === undefined ? Effect.void : Effect.fail(error))
    self.input.gather(reader)
    return Effect.sync(() => self.input.forget(reader))
  })

/** Why a connection cannot give its input to a consumer, if so. */
export const refuseConsumer = (self: ConnectionState): NetworkError.NetworkError | undefined =>
  self.input.isTaken ? self.error("read", new NetworkError.Busy()) : self.reclaim()

export const fail = (self: ConnectionState, reason: NetworkError.Reason): Reading<never> =>
  Effect.fail(self.error("read", reason))

export const invalidOption = (
  self: ConnectionState,
  option: string,
  value: unknown,
  expected: string
): Reading<never> => fail(self, new NetworkError.InvalidOption({ option, value, expected }))

const encoder = new TextEncoder()
