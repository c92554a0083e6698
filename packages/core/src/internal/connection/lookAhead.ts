import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Connection from "../../Connection.ts"
import * as NetworkError from "../../NetworkError.ts"
import { isUpgrading } from "./lifecycle.ts"
import { fail, invalidOption, more } from "./reading.ts"
import { type ConnectionState, stateOf } from "./state.ts"

/** How many bytes `peek` may look at, and how many may wait to be read after an `unread`. */
const lookAhead = { peek: 64 * 1024, unread: 1024 * 1024 }

const peekExactly = (self: ConnectionState, count: number): Effect.Effect<Uint8Array, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    if (!Number.isSafeInteger(count) || count < 0 || count > lookAhead.peek) {
      return invalidOption(self, "count", count, `a whole number of bytes, at most ${lookAhead.peek}`)
    }
    return Effect.flatMap(peekAtMost(self, count, count), (bytes) =>
      bytes.length === count
        ? Effect.succeed(bytes)
        : fail(self, new NetworkError.UnexpectedEnd({ received: bytes.length, expected: count })))
  })

/** Waits until `least` bytes or the end have arrived, and returns a copy of up to `most` bytes. */
export const peekAtMost = (
  self: ConnectionState,
  least: number,
  most: number
): Effect.Effect<Uint8Array, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const { decoder, input } = self
    // The decoder of a waiting receiver may have the beginning of a message.
    const isBusy = input.isTaken || (input.isAwaited && decoder !== undefined && decoder.buffered > 0)
    const refusal = isBusy ? self.error("read", new NetworkError.Busy()) : self.reclaim()
    if (refusal !== undefined) return Effect.fail(refusal)
    self.isInspected = true
    if (input.available < least && !input.isEnded) return Effect.andThen(more(self), peekAtMost(self, least, most))
    return Effect.succeed(input.copyBytes(Math.min(input.available, most)))
  })

const putBack = (self: ConnectionState, bytes: Uint8Array): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const { input } = self
    if (input.isAwaited || isUpgrading(self.phase)) return fail(self, new NetworkError.Busy())
    const refusal = self.reclaim()
    if (refusal !== undefined) return Effect.fail(refusal)
    const room = Math.max(0, lookAhead.unread - input.available)
    if (bytes.length > room) return invalidOption(self, "bytes", bytes.length, `at most ${room} bytes more to be read`)
    // The caller keeps its array.
    return self.unread(new Uint8Array(bytes)) ? Effect.void : Effect.fail(self.failureOf("read"))
  })

/**
 * Waits until `count` bytes have arrived, at most 65,536, and returns a copy of them. They stay unread: the next read of any
 * kind gets them, and so does `upgradeTls` of a server that has read nothing yet.
 *
 * It fails with `UnexpectedEnd` when the peer ends earlier, with `Busy` while a pipe or another consumer has the input, and
 * with `InvalidOption` for a count that is out of range. See `Server.sniff` to choose a protocol by the first bytes.
 *
 * **Example** (read a record whose length is in its header)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Effect from "effect/Effect"
 *
 * const readRecord = Effect.fnUntraced(function*(connection: Connection.Connection) {
 *   const [length = 0] = yield* Connection.peek(connection, 1)
 *   return yield* Connection.readExactly(connection, 1 + length)
 * })
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const peek: {
  (count: number): (self: Connection.Connection) => Effect.Effect<Uint8Array, NetworkError.NetworkError>
  (self: Connection.Connection, count: number): Effect.Effect<Uint8Array, NetworkError.NetworkError>
} = dual(2, (self: Connection.Connection, count: number) => peekExactly(stateOf(self), count))

/**
 * Puts a copy of bytes in front of the unread input: the next read gets them first. After the peer's end, they are read
 * before the end.
 *
 * It fails with `InvalidOption` when more than 1 MiB would wait to be read, with `Busy` while another fiber reads or the
 * connection is being upgraded to TLS, and with `Closed` once this side has closed the connection.
 *
 * @since 0.1.0
 * @category reading
 */
export const unread: {
  (bytes: Uint8Array): (self: Connection.Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection.Connection, bytes: Uint8Array): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (self: Connection.Connection, bytes: Uint8Array) => putBack(stateOf(self), bytes))
