/**
 * A scoped duplex byte stream: TCP, TLS, a Unix-domain socket, or a simulation of one.
 *
 * `Network.connect` opens one, and a `Server` gives one to its handler. It belongs to a Scope, and closing that closes it:
 * after a success all that was written is sent and the peer sees an end; after a failure or an interruption the peer
 * sees a reset, so that it never takes half an answer for a whole one.
 *
 * **Example** (an echo handler, three ways)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 * import * as Stream from "effect/Stream"
 *
 * const piped = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)
 *
 * const streamed = (connection: Connection.Connection) =>
 *   Stream.run(Connection.bytes(connection), Connection.sink(connection))
 *
 * const byHand = Effect.fnUntraced(function*(connection: Connection.Connection) {
 *   while (true) {
 *     const chunk = yield* Connection.read(connection)
 *     if (Option.isNone(chunk)) return
 *     yield* Connection.write(connection, chunk.value)
 *   }
 * })
 * ```
 *
 * **Details**
 *
 * - The peer's end (FIN) ends reading and nothing else: answers written after it arrive.
 * - A chunk that was read belongs to whoever read it. A chunk that is written belongs to the connection until `write`
 *   returns.
 * - An interrupted read loses nothing: the next read gets it. An interrupted write is sent whole if it has begun, and
 *   not at all if it has not.
 * - Concurrent writes do not interleave within one call. Concurrent reads get different chunks.
 * - On a connection that is gone, everything fails at once: `ConnectionReset`, `BrokenPipe`, `TimedOut` or `Closed`.
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import type * as Pipeable from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import type * as Pull from "effect/Pull"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { pump } from "./internal/connection/pipe.ts"
import type { Reader } from "./internal/connection/receiveQueue.ts"
import type { Writer } from "./internal/connection/sendQueue.ts"
import { upgrade } from "./internal/connection/startTls.ts"
import type { ConnectionState, typeId } from "./internal/connection/state.ts"
import * as internal from "./internal/connection/state.ts"
import type { Proxy } from "./internal/proxy/header.ts"
import * as NetworkError from "./NetworkError.ts"
import type * as Tls from "./Tls.ts"

/** A duplex byte stream. Its facts were taken when it was opened and stay readable after it is closed. */
export interface Connection extends Pipeable.Pipeable {
  readonly [typeId]: typeof typeId
  /** Unique in this process, from 1 up. */
  readonly id: number
  readonly localAddress: NetAddress.SocketAddress
  /**
   * The peer: the client, where a proxy said by a PROXY header who that is. The client of a Unix-domain socket has no path
   * of its own, and its path is empty here.
   */
  readonly remoteAddress: NetAddress.SocketAddress
  /** The proxy that it came through, if that sent a PROXY header: what the header said, and the proxy's own address. */
  readonly proxy: Proxy | undefined
  /** What was negotiated and who the peer is, on a connection over TLS; `undefined` in the clear. */
  readonly tls: Tls.Session | undefined
}

/** How a connection ended. */
export type Closing =
  /** In order: this side closed it, after both had their say. */
  | { readonly _tag: "Ended" }
  /** This side reset it: `abort`, or its scope failed or was interrupted. */
  | { readonly _tag: "Aborted" }
  /** It broke: the peer reset it, a deadline passed, or the network failed. */
  | { readonly _tag: "Failed"; readonly error: NetworkError.NetworkError }

const state = (self: Connection): ConnectionState => self as ConnectionState

/** Whether a value is a `Connection`. */
export const isConnection = (u: unknown): u is Connection => Predicate.hasProperty(u, internal.typeId)

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Reads what is there, or waits for it: one chunk of at least one byte, or `None` once the peer has ended. Reading again
 * after the end gives `None` again.
 */
export const read = (self: Connection): Effect.Effect<Option.Option<Uint8Array>, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const { input } = state(self)
    const reader: Reader = (chunk, error) =>
      resume(error === undefined ? Effect.succeed(Option.fromUndefinedOr(chunk)) : Effect.fail(error))
    input.take(reader)
    return Effect.sync(() => input.forget(reader))
  })

/**
 * All that the peer sends, as a Stream that ends when the peer does. Nothing is read ahead of what is pulled but one
 * chunk, so a slow consumer slows the peer.
 */
export const bytes = (self: Connection): Stream.Stream<Uint8Array, NetworkError.NetworkError> =>
  Stream.fromPull(Effect.succeed(pull(self)))

// Made once for a stream, so that a pull allocates next to nothing: they come one after the other.
const pull = (
  self: Connection
): Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, NetworkError.NetworkError> => {
  const { input } = state(self)
  let settle: (result: ReturnType<typeof pull>) => void
  const reader: Reader = (chunk, error) =>
    settle(
      chunk !== undefined
        ? Effect.succeed([chunk] as const)
        : error !== undefined
        ? Effect.fail(error)
        : Cause.done()
    )
  const forget = Effect.sync(() => input.forget(reader))
  return Effect.callback((resume) => {
    settle = resume
    input.take(reader)
    return forget
  })
}

/**
 * Reads exactly `count` bytes. When the peer ends before, it fails with `UnexpectedEnd`, and the bytes that came stay
 * readable.
 */
export const readExactly: {
  (count: number): (self: Connection) => Effect.Effect<Uint8Array, NetworkError.NetworkError>
  (self: Connection, count: number): Effect.Effect<Uint8Array, NetworkError.NetworkError>
} = dual(
  2,
  (self: Connection, count: number): Effect.Effect<Uint8Array, NetworkError.NetworkError> =>
    Effect.suspend(() => {
      const { input } = state(self)
      if (!Number.isSafeInteger(count) || count < 0) {
        return invalidOption(self, "count", count, "a whole number of bytes")
      }
      if (input.available >= count) {
        return Effect.succeed(input.takeBytes(count))
      }
      if (input.ended) {
        const reason = new NetworkError.UnexpectedEnd({ received: input.available, expected: count })
        return Effect.fail(state(self).error("read", reason))
      }
      return Effect.flatMap(grown(self), () => readExactly(self, count))
    })
)

/**
 * Reads up to and including the first `delimiter`, for example `"\r\n"`. It fails with `UnexpectedEnd` when the peer ends
 * before one came, and with `LimitExceeded` when more than `limit` bytes (default: 64 KiB) came without one; what came
 * stays readable.
 */
export const readUntil: {
  (
    delimiter: Uint8Array | string,
    options?: { readonly limit?: number | undefined }
  ): (self: Connection) => Effect.Effect<Uint8Array, NetworkError.NetworkError>
  (
    self: Connection,
    delimiter: Uint8Array | string,
    options?: { readonly limit?: number | undefined }
  ): Effect.Effect<Uint8Array, NetworkError.NetworkError>
} = dual((args) => isConnection(args[0]), (
  self: Connection,
  delimiter: Uint8Array | string,
  options?: { readonly limit?: number | undefined }
): Effect.Effect<Uint8Array, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const { input } = state(self)
    const limit = options?.limit ?? defaultLineLimit
    if (!(limit >= 0)) return invalidOption(self, "limit", limit, "a number of bytes")
    const wanted = typeof delimiter === "string" ? encoder.encode(delimiter) : delimiter
    if (wanted.length === 0) return invalidOption(self, "delimiter", "", "at least one byte")
    const search = (start: number): Effect.Effect<Uint8Array, NetworkError.NetworkError> => {
      const at = input.indexOf(wanted, start)
      const received = input.available
      if (at !== -1 && at + wanted.length <= limit) return Effect.succeed(input.takeBytes(at + wanted.length))
      if (at !== -1 || received >= limit) {
        return Effect.fail(state(self).error("read", new NetworkError.LimitExceeded({ limit })))
      }
      if (input.ended) return Effect.fail(state(self).error("read", new NetworkError.UnexpectedEnd({ received })))
      // Bytes seen once are not searched again, but for those in which a delimiter may have begun.
      return Effect.flatMap(grown(self), () => search(Math.max(0, received - wanted.length + 1)))
    }
    return search(0)
  }))

/**
 * Reads all until the peer ends. It fails with `LimitExceeded` when more than `limit` bytes (default: 16 MiB) come; what
 * came stays readable.
 */
export const readAll: {
  (options?: {
    readonly limit?: number | undefined
  }): (self: Connection) => Effect.Effect<Uint8Array, NetworkError.NetworkError>
  (
    self: Connection,
    options?: { readonly limit?: number | undefined }
  ): Effect.Effect<Uint8Array, NetworkError.NetworkError>
} = dual((args) => isConnection(args[0]), (
  self: Connection,
  options?: { readonly limit?: number | undefined }
): Effect.Effect<Uint8Array, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const { input } = state(self)
    const limit = options?.limit ?? defaultAllLimit
    if (!(limit >= 0)) return invalidOption(self, "limit", limit, "a number of bytes")
    if (input.available > limit) {
      return Effect.fail(state(self).error("read", new NetworkError.LimitExceeded({ limit })))
    }
    if (input.ended) return Effect.succeed(input.takeBytes(input.available))
    return Effect.flatMap(grown(self), () => readAll(self, options))
  }))

const defaultLineLimit = 64 * 1024
const defaultAllLimit = 16 * 1024 * 1024

const grown = (self: Connection): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const { input } = state(self)
    const reader: Reader = (_, error) => resume(error === undefined ? Effect.void : Effect.fail(error))
    input.grow(reader)
    return Effect.sync(() => input.forget(reader))
  })

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes one chunk, and returns when the operating system has taken all of it. A peer that does not read makes it wait.
 */
export const write: {
  (chunk: Uint8Array): (self: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection, chunk: Uint8Array): Effect.Effect<void, NetworkError.NetworkError>
} = dual(
  2,
  (self: Connection, chunk: Uint8Array): Effect.Effect<void, NetworkError.NetworkError> => writeAll(self, [chunk])
)

/** Writes several chunks with one flush: they are sent together, and nothing comes between them. */
export const writeAll: {
  (chunks: ReadonlyArray<Uint8Array>): (self: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection, chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (
  self: Connection,
  chunks: ReadonlyArray<Uint8Array>
): Effect.Effect<void, NetworkError.NetworkError> => writeWith(self, () => chunks))

/** Writes text as UTF-8. */
export const writeText: {
  (text: string): (self: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection, text: string): Effect.Effect<void, NetworkError.NetworkError>
} = dual(
  2,
  (self: Connection, text: string): Effect.Effect<void, NetworkError.NetworkError> =>
    writeWith(self, () => [encoder.encode(text)])
)

/** A Sink that writes every chunk. It does not end the connection's output: `end` does, and closing the Scope. */
export const sink = (self: Connection): Sink.Sink<void, Uint8Array, never, NetworkError.NetworkError> =>
  Sink.forEachArray((chunks: ReadonlyArray<Uint8Array>) => writeAll(self, chunks))

const encoder = new TextEncoder()

const writeWith = (
  self: Connection,
  encode: () => ReadonlyArray<Uint8Array>
): Effect.Effect<void, NetworkError.NetworkError> => Effect.suspend(() => writeNow(state(self), encode()))

const writeNow = (
  self: ConnectionState,
  chunks: ReadonlyArray<Uint8Array>
): Effect.Effect<void, NetworkError.NetworkError> => {
  const refusal = self.refusal
  if (refusal !== undefined) return Effect.fail(refusal)
  if (chunks.some(isEmpty)) {
    const filled = chunks.filter((chunk) => chunk.length > 0)
    return filled.length === 0 ? Effect.void : writeNow(self, filled)
  }
  if (chunks.length === 0) return Effect.void
  const { output } = self
  let outcome: Effect.Effect<void, NetworkError.NetworkError> | undefined
  let settle = (result: Effect.Effect<void, NetworkError.NetworkError>): void => {
    outcome = result
  }
  const writer: Writer = {
    onWritten: (error) => settle(error === undefined ? Effect.void : Effect.fail(error))
  }
  if (output.write(chunks, writer)) return Effect.void
  return Effect.callback((resume) => {
    if (outcome !== undefined) return resume(outcome)
    settle = resume
    return Effect.sync(() => output.withdraw(writer))
  })
}

const isEmpty = (chunk: Uint8Array): boolean => chunk.length === 0

// ---------------------------------------------------------------------------------------------------------------------
// Ending
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Half-closes: everything written is sent, then FIN; reading goes on. Ending twice is once. Writing afterwards fails with
 * `BrokenPipe`.
 */
export const end = (self: Connection): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const { output } = state(self)
    if (output.ended) return resume(Effect.void)
    if (output.failure !== undefined) return resume(Effect.fail(output.failure))
    const writer: Writer = {
      onWritten: (error) => resume(error === undefined ? Effect.void : Effect.fail(error))
    }
    if (output.end(writer)) resume(Effect.void)
  })

/**
 * Closes at once with a TCP reset: what was not sent is dropped, the peer sees `ConnectionReset`, and everything that
 * waits on this connection fails with `Closed`. Aborting twice is once.
 */
export const abort = (self: Connection): Effect.Effect<void> => Effect.sync(() => state(self).abort())

// ---------------------------------------------------------------------------------------------------------------------
// Wiring
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes to `to` all that comes from `from`, until the peer there ends. Much faster than a loop: bytes do not pass through
 * a fiber. It ends nothing: `relay` does. A second pipe from the same connection fails with `Busy`.
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 *
 * const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)
 * ```
 */
export const pipeTo: {
  (to: Connection): (from: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (from: Connection, to: Connection): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (from: Connection, to: Connection): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const refusal = state(to).refusal
    return refusal === undefined ? pump(state(from), state(to)) : Effect.fail(refusal)
  }))

/** Pipes both ways until both peers have ended, and carries each one's half-close over to the other. */
export const relay: {
  (b: Connection): (a: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (a: Connection, b: Connection): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (a: Connection, b: Connection): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.asVoid(Effect.all([
    Effect.andThen(pipeTo(a, b), end(b)),
    Effect.andThen(pipeTo(b, a), end(a))
  ], { concurrency: 2 })))

// ---------------------------------------------------------------------------------------------------------------------
// Securing
// ---------------------------------------------------------------------------------------------------------------------

/** How `upgradeTls` makes a connection secure: as the side that asks for it, or as the one that was asked. */
export type UpgradeOptions =
  | {
    readonly role: "client"
    /** Default: verified, by the authorities of the platform. */
    readonly tls?: Tls.ClientOptions | undefined
    /** How long the handshake may take. Default: 10 seconds. */
    readonly timeout?: Duration.Input | undefined
  }
  | {
    readonly role: "server"
    readonly tls: Tls.ServerOptions | Tls.Reloading
    /** How long the handshake may take. Default: 10 seconds. */
    readonly timeout?: Duration.Input | undefined
  }

/**
 * Goes on over TLS on a connection that began in the clear, after both sides have agreed to (STARTTLS). From then on the
 * same connection reads and writes what is protected; it is closed once, as before. The server's name defaults to the host
 * that was connected to.
 *
 * Whatever comes after the agreement belongs to the handshake. If something was read by then (somebody may have put it in,
 * for it to be taken for protected: CVE-2011-0411), it fails with `ClearTextBeforeUpgrade`; what a `Framed` has left counts,
 * but what a Stream has handed out already is for the program to look at. While somebody else reads or
 * writes, it fails with `Busy`, and the connection is as it was. With any other failure the connection is closed.
 *
 * **Example** (the side that asks)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Effect from "effect/Effect"
 *
 * const startTls = Effect.fnUntraced(function*(connection: Connection.Connection) {
 *   yield* Connection.writeText(connection, "STARTTLS\r\n")
 *   yield* Connection.readUntil(connection, "\r\n")
 *   return yield* Connection.upgradeTls(connection, { role: "client" })
 * })
 * ```
 */
export const upgradeTls: {
  (options: UpgradeOptions): (self: Connection) => Effect.Effect<Tls.Session, NetworkError.NetworkError>
  (self: Connection, options: UpgradeOptions): Effect.Effect<Tls.Session, NetworkError.NetworkError>
} = dual(
  2,
  (self: Connection, options: UpgradeOptions): Effect.Effect<Tls.Session, NetworkError.NetworkError> =>
    upgrade(state(self), options)
)

// ---------------------------------------------------------------------------------------------------------------------
// Observing
// ---------------------------------------------------------------------------------------------------------------------

/** The bytes that have been read from the system so far. */
export const bytesIn = (self: Connection): number => state(self).activity.bytesIn

/** The bytes that have been handed to the system so far. */
export const bytesOut = (self: Connection): number => state(self).activity.bytesOut

/** Waits until the connection is closed, its descriptor included, and says how it ended. */
export const closed = (self: Connection): Effect.Effect<Closing> =>
  Effect.map(state(self).closed, () => state(self).outcome)

/** The peer's address as logs and errors name it: `"127.0.0.1:50412"`, `"[::1]:50412"`, `"unix:///run/app.sock"`. */
export const formatPeer = (self: Connection): string => state(self).peer

const invalidOption = (self: Connection, option: string, value: unknown, expected: string) =>
  Effect.fail(state(self).error("read", new NetworkError.InvalidOption({ option, value, expected })))
