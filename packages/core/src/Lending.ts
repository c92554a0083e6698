/**
 * Reading and writing a connection without copies and without fibers: for bulk transfers, and for bridges to callbacks.
 *
 * `Connection.bytes` gives chunks that belong to the reader, and so needs memory for each. A chunk that is *lent* is
 * valid for a time only, and its memory is used again for the next: at 16 KiB a message, an echo server takes about half
 * the CPU. Copy what you keep.
 *
 * **Example** (counting line feeds without keeping a byte)
 *
 * ```ts
 * import type * as Connection from "@sluice/core/Connection"
 * import * as Lending from "@sluice/core/Lending"
 * import * as Stream from "effect/Stream"
 *
 * const countLines = (connection: Connection.Connection) =>
 *   Stream.runFold(Lending.bytes(connection), () => 0, (lines, chunk) => {
 *     for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
 *     return lines
 *   })
 * ```
 *
 * **Gotchas**
 *
 * - Copy with `new Uint8Array(chunk)`. On Node a chunk is a `Buffer`, whose `slice` is another view of the same memory.
 * - Operators of Stream that keep chunks (`buffer`, `grouped`, `runCollect`, `share`) keep memory that is used again. Use
 *   them on `Connection.bytes`.
 * - A write of a chunk must be done before the next is pulled. A write that has begun and is interrupted is still sent,
 *   from memory that is used again: close that connection then, or write a copy.
 *
 * @since 0.1.0
 */
import * as Channel from "effect/Channel"
import { dual } from "effect/Function"
import type * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as Connection from "./Connection.ts"
import { stateOf } from "./internal/connection/state.ts"
import * as writing from "./internal/connection/writing.ts"
import * as internal from "./internal/lending/consumption.ts"
import { lentPull } from "./internal/lending/lentPull.ts"
import type * as NetworkError from "./NetworkError.ts"

/**
 * All that the peer sends, as a Stream that ends when the peer does. Each chunk is valid until the next is pulled.
 *
 * While the Stream runs, the connection cannot be read otherwise: a second one, and `Connection.pipeTo`, fail with `Busy`.
 *
 * @since 0.1.0
 * @category reading
 */
export const bytes = (self: Connection.Connection): Stream.Stream<Uint8Array, NetworkError.NetworkError> =>
  Stream.fromChannel(Channel.fromTransform((_, scope) => lentPull(stateOf(self), scope)))

/**
 * Callbacks that get what the peer sends. They must not throw.
 *
 * @since 0.1.0
 * @category models
 */
export interface Consumer {
  /** Whether chunks belong to the consumer, which may keep them, instead of being lent. Default: `false`. */
  readonly ownsChunks?: boolean
  /**
   * Called with each chunk. `true`: the chunk is no longer in use, and the next may come. `false`: the chunk stays valid,
   * and nothing more comes, until `resume`.
   */
  readonly onChunk: (chunk: Uint8Array) => boolean
  /** Called once when the peer has ended. Nothing follows. */
  readonly onEnd: () => void
  /** Called once when the connection is gone. Nothing follows. */
  readonly onError: (error: NetworkError.NetworkError) => void
}

/**
 * The side of `consume` that controls the flow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Consumption {
  /** The chunk that was answered with `false` is no longer in use, and the next may come; during the call, too. */
  readonly resume: () => void
  /** Ends it. What was not consumed stays readable. A chunk that was lent is no longer in use. */
  readonly detach: () => void
}

/**
 * Gives all that the peer sends to callbacks, beginning during the call.
 *
 * Fails with `Busy` while another consumer, a `pipeTo` or a Stream of `bytes` has the input.
 *
 * @since 0.1.0
 * @category reading
 */
export const consume: {
  (consumer: Consumer): (self: Connection.Connection) => Result.Result<Consumption, NetworkError.NetworkError>
  (self: Connection.Connection, consumer: Consumer): Result.Result<Consumption, NetworkError.NetworkError>
} = dual(2, (self: Connection.Connection, consumer: Consumer) => internal.consume(stateOf(self), consumer))

/**
 * Writes chunks, at once and with one flush. `true`: they are free again, and `onWritten` is not called. `false`: they are
 * in use until `onWritten` is called, with the error if the write failed.
 *
 * Writes that cannot begin yet are queued without a bound: write the next when this one is done.
 *
 * @since 0.1.0
 * @category writing
 */
export const write = (
  self: Connection.Connection,
  chunks: ReadonlyArray<Uint8Array>,
  onWritten: (error: NetworkError.NetworkError | undefined) => void
): boolean => writing.writeWithCallback(stateOf(self), chunks, { onWritten })

/**
 * Half-closes as `Connection.end` does. `true`: FIN is sent, and `onWritten` is not called. `false`: FIN is queued, and
 * `onWritten` is called when it is sent, or with the error.
 *
 * @since 0.1.0
 * @category writing
 */
export const end = (
  self: Connection.Connection,
  onWritten: (error: NetworkError.NetworkError | undefined) => void
): boolean => writing.endWithCallback(stateOf(self), { onWritten })

/**
 * Calls back once when the connection is closed, its descriptor included; at once if it is already. Returns a function
 * that takes the callback back.
 *
 * @since 0.1.0
 * @category observing
 */
export const onClosed = (self: Connection.Connection, callback: (closing: Connection.Closing) => void): () => void => {
  const state = stateOf(self)
  const observer = { onClosed: () => callback(state.outcome) }
  state.observe(observer)
  return () => state.ignore(observer)
}

/**
 * A library that reads and writes a stream itself, past the connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bypass {
  /** Reports the bytes that were received, and those that the system has taken, since the last call. */
  readonly report: (
    to: { readonly received: (bytes: number) => void; readonly sent: (bytes: number) => void }
  ) => void
  /** Whether it waits for input. */
  readonly isReading: boolean
  /** Whether the system has not taken all that it has written. */
  readonly isWriting: boolean
  /** Calls `sync` after input and output, and `readBegins` when it reads again after a pause. Called once, if at all. */
  readonly watch: (watcher: { readonly sync: () => void; readonly readBegins: () => void }) => void
}

/**
 * Lets a library read and write the stream of a connection itself. The timeouts and counts of the connection continue.
 *
 * `open` gets the `StreamTransport` that the platform made, or one that wraps it. It takes the input, by `consume`, so that
 * nothing else reads, and returns the library's side, or `undefined` if it cannot bypass this stream; then nothing happens. The
 * function returned ends the bypass. The end of the connection ends it, too.
 *
 * @since 0.1.0
 * @category wiring
 */
export const bypass = (
  self: Connection.Connection,
  open: (stream: unknown) => Bypass | undefined
): (() => void) | undefined => {
  const { activity, transport } = stateOf(self)
  const opened = open(transport)
  if (opened === undefined) return undefined
  activity.route(opened)
  return () => activity.route(undefined)
}
