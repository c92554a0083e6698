/**
 * A scoped duplex byte stream: TCP, TLS, a Unix-domain socket, or a simulation of one.
 *
 * `Network.connect` opens a connection, and a `Server` gives one to its handler. A connection belongs to a Scope, and
 * closing the Scope closes it: after a success all that was written is sent and the peer sees an end; after a failure or
 * an interruption the peer sees a reset, so that it never takes half an answer for a whole one. After a `FramingError`,
 * which leaves the messages before it whole, the connection ends in order; use `abort` to reset it.
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
 * - A chunk that was read belongs to the reader. A chunk that is written belongs to the connection until `write` returns.
 * - An interrupted read loses nothing: the next read gets it. An interrupted write is sent whole if it has begun, and
 *   not at all if it has not.
 * - Where a `Framed` reads the connection, reading bytes starts behind the last message that the `Framed` gave: a header
 *   in lines, then a body by `readExactly`, then lines again.
 * - Concurrent writes do not interleave within one call. Concurrent reads get different chunks.
 * - On a connection that is gone, everything fails at once: `ConnectionReset`, `BrokenPipe`, `TimedOut` or `Closed`.
 *
 * **Gotchas**: Unix-domain sockets have no reset. The peer sees an ordinary end when a handler fails, when a drain cuts it
 * and after `abort`. A protocol over them must mark the end of each message itself, by a length or a delimiter, so that the
 * peer notices a message that was cut. The framings do: input that ends inside a message fails with `TruncatedFrame`.
 *
 * @since 0.1.0
 */
import type { Proxy } from "@sluice/proxy/ProxyProtocol"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Option from "effect/Option"
import type * as Pipeable from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as pipes from "./internal/connection/pipe.ts"
import * as reading from "./internal/connection/reading.ts"
import { upgrade } from "./internal/connection/startTls.ts"
import { stateOf, typeId } from "./internal/connection/state.ts"
import * as writing from "./internal/connection/writing.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as Tls from "./Tls.ts"

export { peek, unread } from "./internal/connection/lookAhead.ts"

/**
 * A duplex byte stream. Addresses are captured when the connection opens and stay available after it closes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection extends Pipeable.Pipeable {
  readonly [typeId]: typeof typeId
  /** Unique in this process, from 1 up. */
  readonly id: number
  readonly localAddress: NetAddress.SocketAddress
  /**
   * The peer. Behind a proxy that sends a PROXY header, the client. The client of a Unix-domain socket has no path, and
   * its path is empty here.
   */
  readonly remoteAddress: NetAddress.SocketAddress
  /** The PROXY header and the proxy's own address, if the connection came through a proxy that sent one. */
  readonly proxy: Proxy | undefined
  /** What was negotiated and who the peer is, on a connection over TLS; `undefined` in the clear. */
  readonly tls: Tls.Session | undefined
}

/**
 * How a connection ended.
 *
 * - `Ended`: in order. This side closed it, after both had ended their output.
 * - `Aborted`: this side reset it, by `abort` or because its Scope failed or was interrupted.
 * - `Failed`: it broke. The peer reset it, a deadline passed, or the network failed.
 *
 * @since 0.1.0
 * @category models
 */
export type Closing =
  | { readonly _tag: "Ended" }
  | { readonly _tag: "Aborted" }
  | { readonly _tag: "Failed"; readonly error: NetworkError.NetworkError }

/**
 * Returns whether a value is a `Connection`.
 *
 * @since 0.1.0
 * @category guards
 */
export const isConnection = (u: unknown): u is Connection => Predicate.hasProperty(u, typeId)

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Reads what has arrived, or waits for it: one chunk of at least one byte, or `None` once the peer has ended. Reading
 * again after the end gives `None` again.
 *
 * @since 0.1.0
 * @category reading
 */
export const read = (self: Connection): Effect.Effect<Option.Option<Uint8Array>, NetworkError.NetworkError> =>
  reading.read(stateOf(self))

/**
 * All that the peer sends, as a Stream that ends when the peer does. At most one chunk is read ahead of what is pulled,
 * so a slow consumer slows the peer.
 *
 * @since 0.1.0
 * @category reading
 */
export const bytes = (self: Connection): Stream.Stream<Uint8Array, NetworkError.NetworkError> =>
  Stream.fromPull(reading.pull(stateOf(self)))

/**
 * Reads exactly `count` bytes. When the peer ends before, it fails with `UnexpectedEnd`, and the bytes that arrived stay
 * readable.
 *
 * @since 0.1.0
 * @category reading
 */
export const readExactly: {
  (count: number): (self: Connection) => Effect.Effect<Uint8Array, NetworkError.NetworkError>
  (self: Connection, count: number): Effect.Effect<Uint8Array, NetworkError.NetworkError>
} = dual(2, (self: Connection, count: number) => reading.readExactly(stateOf(self), count))

/**
 * Reads up to and including the first `delimiter`, for example `"\r\n"`.
 *
 * It fails with `UnexpectedEnd` when the peer ends without one, and with `LimitExceeded` when more than `limit` bytes
 * (default: 64 KiB) arrive without one. The bytes that arrived stay readable.
 *
 * @since 0.1.0
 * @category reading
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
) => reading.readUntil(stateOf(self), delimiter, options?.limit ?? 64 * 1024))

/**
 * Reads all until the peer ends. It fails with `LimitExceeded` when more than `limit` bytes (default: 16 MiB) arrive; they
 * stay readable.
 *
 * @since 0.1.0
 * @category reading
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
) => reading.readAll(stateOf(self), options?.limit ?? 16 * 1024 * 1024))

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes one chunk, and returns when the operating system has taken all of it. A peer that does not read makes it wait.
 *
 * @since 0.1.0
 * @category writing
 */
export const write: {
  (chunk: Uint8Array): (self: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection, chunk: Uint8Array): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (self: Connection, chunk: Uint8Array) => writing.writeAll(stateOf(self), [chunk]))

/**
 * Writes several chunks with one flush: they are sent together, and nothing is written between them.
 *
 * @since 0.1.0
 * @category writing
 */
export const writeAll: {
  (chunks: ReadonlyArray<Uint8Array>): (self: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection, chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void, NetworkError.NetworkError>
} = dual(
  2,
  (self: Connection, chunks: ReadonlyArray<Uint8Array>) => writing.writeAll(stateOf(self), chunks)
)

/**
 * Writes text as UTF-8.
 *
 * @since 0.1.0
 * @category writing
 */
export const writeText: {
  (text: string): (self: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (self: Connection, text: string): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (self: Connection, text: string) => writing.writeText(stateOf(self), text))

/**
 * A Sink that writes every chunk. It does not end the output: use `end`, or close the Scope.
 *
 * @since 0.1.0
 * @category writing
 */
export const sink = (self: Connection): Sink.Sink<void, Uint8Array, never, NetworkError.NetworkError> =>
  Sink.forEachArray((chunks: ReadonlyArray<Uint8Array>) => writing.writeNow(stateOf(self), chunks))

// ---------------------------------------------------------------------------------------------------------------------
// Ending
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Half-closes: everything written is sent, then FIN; reading continues. Ending twice does nothing more. Writing after it
 * fails with `BrokenPipe`.
 *
 * @since 0.1.0
 * @category ending
 */
export const end = (self: Connection): Effect.Effect<void, NetworkError.NetworkError> => writing.end(stateOf(self))

/**
 * Closes at once with a TCP reset: what was not sent is dropped, the peer sees `ConnectionReset`, and everything that
 * waits on this connection fails with `Closed`. Aborting twice does nothing more.
 *
 * Unix-domain sockets have no reset: the peer reads what was sent before, and then an ordinary end.
 *
 * @since 0.1.0
 * @category ending
 */
export const abort = (self: Connection): Effect.Effect<void> => Effect.sync(() => stateOf(self).abort())

// ---------------------------------------------------------------------------------------------------------------------
// Wiring
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes to `to` all that arrives from `from`, until the peer there ends. Much faster than a loop: bytes do not pass
 * through a fiber.
 *
 * It ends neither connection; `relay` does. A second `pipeTo` from the same connection fails with `Busy`.
 *
 * **Example** (an echo handler)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 *
 * const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)
 * ```
 *
 * @since 0.1.0
 * @category wiring
 */
export const pipeTo: {
  (to: Connection): (from: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (from: Connection, to: Connection): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (from: Connection, to: Connection) => pipes.pipeTo(stateOf(from), stateOf(to)))

/**
 * Pipes both ways until both peers have ended, and carries each one's half-close over to the other.
 *
 * @since 0.1.0
 * @category wiring
 */
export const relay: {
  (b: Connection): (a: Connection) => Effect.Effect<void, NetworkError.NetworkError>
  (a: Connection, b: Connection): Effect.Effect<void, NetworkError.NetworkError>
} = dual(2, (a: Connection, b: Connection) => pipes.relay(stateOf(a), stateOf(b)))

// ---------------------------------------------------------------------------------------------------------------------
// Securing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The side of the handshake that `upgradeTls` takes, and how.
 *
 * @since 0.1.0
 * @category options
 */
export type UpgradeOptions =
  | {
    readonly role: "client"
    /** Default: the server is verified by the authorities of the platform. */
    readonly tls?: Tls.ClientOptions | undefined
    /** How long the handshake may take. Default: 10 seconds. */
    readonly timeout?: Duration.Input | undefined
  }
  | {
    readonly role: "server"
    /** Default: the `upgradeTls` of the server, which is checked when the server starts. */
    readonly tls?: Tls.ServerOptions | Tls.Reloading | undefined
    /** How long the handshake may take. Default: 10 seconds. */
    readonly timeout?: Duration.Input | undefined
  }

/**
 * Continues over TLS on a connection that began in the clear, after both sides have agreed to (STARTTLS). From then on
 * reads and writes of the same connection are protected; it is closed once, as before. The server's name defaults to the
 * host that was connected to.
 *
 * All that arrives after the agreement belongs to the handshake. If bytes have been read by then (an attacker may have
 * injected them to be taken for protected: CVE-2011-0411), it fails with `ClearTextBeforeUpgrade`. Bytes that a `Framed`
 * has buffered count; chunks that a Stream has handed out are the program's to check. If a server has read
 * nothing, bytes that it has looked at with `peek` belong to the handshake. While another fiber reads or writes, it fails with `Busy`, and the connection stays as it was. Any other failure closes the connection.
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
 *
 * @since 0.1.0
 * @category securing
 */
export const upgradeTls: {
  (options: UpgradeOptions): (self: Connection) => Effect.Effect<Tls.Session, NetworkError.NetworkError>
  (self: Connection, options: UpgradeOptions): Effect.Effect<Tls.Session, NetworkError.NetworkError>
} = dual(2, (self: Connection, options: UpgradeOptions) => upgrade(stateOf(self), options))

// ---------------------------------------------------------------------------------------------------------------------
// Observing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The number of bytes that have been read from the system so far.
 *
 * @since 0.1.0
 * @category observing
 */
export const bytesIn = (self: Connection): number => stateOf(self).activity.sync().bytesIn

/**
 * The number of bytes that have been handed to the system so far.
 *
 * @since 0.1.0
 * @category observing
 */
export const bytesOut = (self: Connection): number => stateOf(self).activity.sync().bytesOut

/**
 * Waits until the connection is closed, its descriptor included, and says how it ended.
 *
 * @since 0.1.0
 * @category observing
 */
export const closed = (self: Connection): Effect.Effect<Closing> =>
  Effect.map(stateOf(self).closed, () => stateOf(self).outcome)

/**
 * The peer's address as logs and errors name it: `"127.0.0.1:50412"`, `"[::1]:50412"`, `"unix:///run/app.sock"`.
 *
 * @since 0.1.0
 * @category observing
 */
export const formatPeer = (self: Connection): string => stateOf(self).peer
