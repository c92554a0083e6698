import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Socket from "effect/socket/Socket"
import * as Connection from "../../Connection.ts"
import * as NetworkError from "../../NetworkError.ts"
import type { Reader } from "../connection/receiveQueue.ts"
import { nobody } from "../connection/sendQueue.ts"
import type { ConnectionState } from "../connection/state.ts"
import { closeCode, closeError, hasHadItsSay, isInOrder, openError, readError, writeError } from "./socketError.ts"
import { upgrade } from "./socketUpgrade.ts"

const encoder = new TextEncoder()

const encode = (frame: Uint8Array | string): Uint8Array => typeof frame === "string" ? encoder.encode(frame) : frame

/** A connection as the readers and writers of a `Socket` see it. */
export class SocketSide {
  readonly connection: ConnectionState
  // Why nothing more is pulled, whatever may still come; and the pulls that must hear of it.
  #over: Socket.SocketError | undefined = undefined
  readonly #pulls = new Set<(error: Socket.SocketError) => void>()

  constructor(connection: ConnectionState) {
    this.connection = connection
  }

  /** Whether a reader has let go of the connection. */
  isReleased = false
  /** Whether the server has interrupted the handler: what is not written yet stays unwritten. */
  isCut = false

  readonly #pull: Socket.Reader<Uint8Array>["pull"] = Effect.callback<
    Arr.NonEmptyReadonlyArray<Uint8Array>,
    Socket.SocketError
  >((resume) => {
    if (this.#over !== undefined) return resume(Effect.fail(this.#over))
    const { input } = this.connection
    const reader: Reader = (chunk, error) => {
      this.#pulls.delete(giveUp)
      if (chunk !== undefined) return resume(Effect.succeed([chunk]))
      resume(Effect.fail(error === undefined ? closeError(closeCode.normal) : readError(error)))
    }
    const forget = () => {
      this.#pulls.delete(giveUp)
      input.forget(reader)
    }
    const giveUp = (error: Socket.SocketError) => {
      forget()
      resume(Effect.fail(error))
    }
    this.#pulls.add(giveUp)
    input.take(reader)
    return Effect.sync(forget)
  })

  readonly reader: Socket.Reader<Uint8Array> = {
    pull: this.#pull,
    upgrade: (options) => upgrade(this.connection, options)
  }

  readonly writer: Socket.Writer = {
    write: (frame) =>
      Socket.isCloseEvent(frame)
        ? this.#close(frame)
        : Effect.mapError(Connection.write(this.connection, encode(frame)), writeError),
    writeAll: (frames) => Effect.mapError(Connection.writeAll(this.connection, frames.map(encode)), writeError)
  }

  #close(event: Socket.CloseEvent): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.finish(closeError(event.code, event.reason))
      return isInOrder(event.code) ? this.connection.close(Exit.void) : Connection.abort(this.connection)
    })
  }

  /** From now on pulls fail with this error, waiting ones included. The connection stays as it is. */
  finish(error: Socket.SocketError): void {
    if (this.#over !== undefined) return
    this.#over = error
    for (const giveUp of this.#pulls) giveUp(error)
  }

  /** Ends the output as its writer's Scope is closed: half-closes, without waiting until all is sent, or resets. */
  endOutput(exit: Exit.Exit<unknown, unknown>): void {
    const { connection } = this
    if (this.isCut) return
    if (!hasHadItsSay(exit)) connection.abort()
    else if (connection.output.failure === undefined) connection.end(nobody)
  }

  /** Closes the connection as its reader's Scope is closed, and returns when its descriptor is closed. */
  release(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isReleased = true
      this.finish(closeError(closeCode.abnormal))
      return this.connection.close(!this.isCut && hasHadItsSay(exit) ? Exit.void : exit)
    })
  }
}

/** The connection that a Socket has now, for Sockets that are made of connections. */
export const sides = new WeakMap<Socket.Socket, () => SocketSide | undefined>()

/** The Socket of one connection, which is open. */
export const fromSide = (side: SocketSide): Socket.Socket => {
  const { connection } = side
  const socket = Socket.make({
    reader: Effect.acquireRelease(
      Effect.suspend(() =>
        side.isReleased
          ? Effect.fail(openError(connection.error("read", new NetworkError.Closed())))
          : Effect.succeed(side.reader)
      ),
      (_, exit) => side.release(exit)
    ),
    writer: Effect.acquireRelease(
      Effect.succeed(side.writer),
      (_, exit) => Effect.sync(() => side.endOutput(exit))
    )
  })
  sides.set(socket, () => side)
  return socket
}
