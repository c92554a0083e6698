/**
 * Makes a connection of a `Socket` of `effect/socket`, for example a WebSocket: framings, pipes and deadlines work on it.
 *
 * **Example** (lines over a WebSocket)
 *
 * ```ts
 * import * as ConnectionBridge from "@sluice/core/ConnectionBridge"
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Effect from "effect/Effect"
 * import * as Socket from "effect/socket/Socket"
 *
 * const ask = Effect.scoped(Effect.gen(function*() {
 *   const socket = yield* Socket.makeWebSocket("ws://127.0.0.1:8080")
 *   const connection = yield* ConnectionBridge.fromSocket(socket)
 *   const lines = yield* Framed.make(connection, Framing.lines())
 *   return yield* Framed.request(lines, "hello")
 * }))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type * as Connection from "./Connection.ts"
import { toNetworkError } from "./internal/bridge/socketError.ts"
import { sides } from "./internal/bridge/socketSide.ts"
import { SocketTransport } from "./internal/bridge/socketTransport.ts"
import { checkCloseTimeout, standalone } from "./internal/network/standalone.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as SocketOptions from "./SocketOptions.ts"

/**
 * Options of `fromSocket`: facts that a Socket does not report.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Pick<SocketOptions.StreamOptions, "closeTimeout"> {
  /** Default: the address of the connection behind the Socket, if it is Sluice's; otherwise a Unix-domain socket without a path. */
  readonly localAddress?: NetAddress.SocketAddress | undefined
  /** Default: as for `localAddress`. */
  readonly remoteAddress?: NetAddress.SocketAddress | undefined
  /** Whether the Socket takes output after the peer has ended. Default: `true` for Sluice's own Sockets, `false` for Effect's. */
  readonly halfOpen?: boolean | undefined
}

/**
 * Acquires a Socket's reader and writer, and makes a connection of them. The Scope closes it.
 *
 * Fails with the error of the reader's acquisition, translated, and with `InvalidOption`.
 *
 * **Details**
 *
 * - Close codes 1000, 1001 and 1005 are the peer's end, 1006 is `ConnectionReset`, and other codes are `Other`. The `cause`
 *   of a `SocketError` is translated as a system error is.
 * - `Connection.end` closes the writer's Scope. A reset writes a `CloseEvent` with code 4000; the Socket decides whether the
 *   peer sees more than an end.
 * - A broken Socket is detected by pulling. While unread input waits, a write may therefore wait longer than on other
 *   connections.
 * - After the peer's end a write fails with `BrokenPipe`, unless the Socket is `halfOpen`.
 * - Chunks are copied before they are written, because a Socket does not tell when it is done with them.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromSocket = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  options: Options = {}
): Effect.fn.Return<Connection.Connection, NetworkError.NetworkError, Scope.Scope> {
  const closeTimeout = yield* Effect.fromResult(checkCloseTimeout("a Socket", options.closeTimeout))
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()
  const readerScope = Scope.makeUnsafe()
  const writerScope = Scope.makeUnsafe()
  const acquired = Effect.all({
    reader: Scope.provide(socket.reader, readerScope),
    writer: Scope.provide(socket.writer, writerScope)
  })
  return yield* Effect.uninterruptibleMask((restore) =>
    restore(acquired).pipe(
      Effect.mapError((error) => toNetworkError("connect", "a Socket", error)),
      Effect.onError(() => Effect.andThen(Scope.close(writerScope, Exit.void), Scope.close(readerScope, Exit.void))),
      Effect.flatMap(({ reader, writer }) => {
        const own = sides.get(socket)?.()?.connection
        const transport = new SocketTransport({
          reader,
          readerScope,
          writer,
          writerScope,
          context,
          closeTimeout,
          localAddress: options.localAddress ?? own?.localAddress ?? nowhere,
          remoteAddress: options.remoteAddress ?? own?.remoteAddress ?? nowhere,
          halfOpen: options.halfOpen ?? own !== undefined
        })
        return standalone(transport, closeTimeout, scope)
      })
    )
  )
})

const nowhere = NetAddress.unixPathAddress("")
