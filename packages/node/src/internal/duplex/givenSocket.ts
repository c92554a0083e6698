import type * as Connection from "@sluice/core/Connection"
import * as Net from "node:net"
import { Duplex } from "node:stream"
import { handleOf } from "../facade/socketHandle.ts"
import { addAddresses } from "./socketFacts.ts"

/** Hears of input and output, and of reading that begins again after a pause. */
export interface Watcher {
  readonly sync: () => void
  readonly readBegins: () => void
}

/** What a socket asks before it does something. */
interface Giver {
  readonly connection: Connection.Connection
  readonly watcher: Watcher | undefined
  readonly resetByLibrary: () => void
  readonly onDestroy: (error: Error | null) => void
}

const giver = Symbol("sluice giver")

type Callback = (error?: Error | null) => void

/** Makes an open socket one of this class. */
export const become = (socket: Net.Socket, { prototype }: typeof GivenSocket, by: Giver): void => {
  Object.setPrototypeOf(socket, prototype)
  ;(socket as GivenSocket)[giver] = by
}

/** Node's own socket of a connection, which a library uses. It closes, and has addresses, as `DuplexSocket` does. */
export class GivenSocket extends Net.Socket {
  declare [giver]: Giver

  get connection(): Connection.Connection {
    return this[giver].connection
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this[giver].onDestroy(error)
    super._destroy(error, callback)
  }

  override resetAndDestroy(): this {
    this[giver].resetByLibrary()
    return this
  }

  // A socket with a read buffer stops reading at once when it is paused. Others read up to the high-water mark.
  override pause(): this {
    return Duplex.prototype.pause.call(this) as this
  }
}

addAddresses(GivenSocket.prototype)

/** A socket that reports input and output at once, for timeouts. */
export class WatchedSocket extends GivenSocket {
  // Node calls it for input, and for each write that is done.
  _unrefTimer(): void {
    unrefTimer.call(this)
    this[giver].watcher?.sync()
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: Callback): void {
    super._write(chunk, encoding, callback)
    this[giver].watcher?.sync()
  }

  override _writev(chunks: Array<{ chunk: unknown; encoding: BufferEncoding }>, callback: Callback): void {
    super._writev!(chunks, callback)
    this[giver].watcher?.sync()
  }

  override _read(size: number): void {
    const wasReading = handleOf(this)?.reading === true
    super._read(size)
    if (!wasReading) this[giver].watcher?.readBegins()
  }

  override resume(): this {
    this[giver].watcher?.readBegins()
    return super.resume()
  }
}

const { _unrefTimer: unrefTimer } = Net.Socket.prototype as unknown as { readonly _unrefTimer: () => void }
