import type * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Result from "effect/Result"
import * as Net from "node:net"
import * as OwnChunk from "../facade/ownChunk.ts"
import {
  bytesTaken,
  handleOf,
  resetOnDestroy,
  type SocketHandle,
  stopFlowing,
  stopReading,
  takeHandle
} from "../facade/socketHandle.ts"
import { type Library, NodeStream } from "../stream.ts"
import type { Owner } from "./duplexSocket.ts"
import { become, watch, type Watcher } from "./givenSocket.ts"
import { toNodeError } from "./nodeError.ts"

/**
 * Gives a library Node's own socket of a connection, with what was received and not read. Returns `undefined` if there is none,
 * as over TLS and in simulation, or if the input is in use.
 */
export const giveSocket = (
  connection: Connection.Connection,
  owner: Owner,
  { isPaused }: { readonly isPaused: boolean }
): Net.Socket | undefined => {
  let bypass: SocketBypass | undefined
  const end = Lending.bypass(connection, (stream) => {
    if (stream instanceof NodeStream) bypass = SocketBypass.open(connection, stream, owner)
    return bypass
  })
  return bypass?.begin(end!, isPaused)
}

/** A library that reads and writes the socket of a connection itself. */
export class SocketBypass implements Lending.Bypass, Library, Lending.Consumer {
  readonly ownsChunks = true
  readonly connection: Connection.Connection
  readonly #stream: NodeStream
  readonly #owner: Owner
  #socket!: Net.Socket
  #consumption!: Lending.Consumption
  #end!: () => void
  #unread: ReadonlyArray<Uint8Array> = none
  #bytesIn = 0
  #bytesOut = 0
  #watcher: Watcher | undefined = undefined
  // Who wants the connection reset instead of closed in order.
  #resetBy: "connection" | "library" | undefined = undefined
  isBroken = false

  constructor(connection: Connection.Connection, stream: NodeStream, owner: Owner) {
    this.connection = connection
    this.#stream = stream
    this.#owner = owner
  }

  static open(connection: Connection.Connection, stream: NodeStream, owner: Owner): SocketBypass | undefined {
    const bypass = new SocketBypass(connection, stream, owner)
    const socket = stream.lendTo(bypass)
    if (socket === undefined) return undefined
    bypass.#socket = socket
    const consumption = Lending.consume(connection, bypass)
    if (Result.isFailure(consumption)) {
      stream.takeBack()
      return undefined
    }
    bypass.#consumption = consumption.success
    bypass.#bytesIn = socket.bytesRead
    bypass.#bytesOut = bytesTaken(socket)
    return bypass
  }

  /** Makes the socket one that a server has just accepted, and starts reading unless it is to be paused. */
  begin(end: () => void, isPaused: boolean): Net.Socket {
    this.#end = end
    const socket = this.#socket
    become(socket, this)
    stopFlowing(socket)
    if (isPaused) {
      stopReading(socket)
      socket.pause()
    } else socket.read(0)
    if (this.#unread.length > 0) socket.unshift(Buffer.concat(this.#unread))
    this.#unread = none
    return socket
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The connection
  // -------------------------------------------------------------------------------------------------------------------

  onChunk(chunk: Uint8Array): boolean {
    this.#unread = [...this.#unread, chunk]
    return true
  }

  // The socket tells.
  onEnd(): void {}

  onError(error: NetworkError.NetworkError): void {
    const isOwn = this.#resetBy === "library" || error.reason._tag === "Closed"
    if (!this.#socket.destroyed) this.#socket.destroy(isOwn ? undefined : toNodeError(error))
  }

  report(to: Parameters<Lending.Bypass["report"]>[0]): void {
    const received = this.#socket.bytesRead - this.#bytesIn
    const sent = bytesTaken(this.#socket) - this.#bytesOut
    this.#bytesIn += received
    this.#bytesOut += sent
    if (received > 0) to.received(received)
    if (sent > 0) to.sent(sent)
  }

  get isReading(): boolean {
    return handleOf(this.#socket)?.reading === true
  }

  get isWriting(): boolean {
    return isSending(handleOf(this.#socket))
  }

  watch(watcher: Watcher): void {
    this.#watcher = watcher
    watch(this.#socket)
  }

  get watcher(): Watcher | undefined {
    return this.#watcher
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The stream
  // -------------------------------------------------------------------------------------------------------------------

  /** Called on the socket. */
  onRead(this: Net.Socket, length: number, buffer: Uint8Array): boolean {
    return Net.Socket.prototype.push.call(this, OwnChunk.copy(buffer.subarray(0, length)))
  }

  /** The connection has counted what it writes itself. */
  onWrite(bytes: number): void {
    this.#bytesOut += bytes
  }

  onClose(): void {
    this.#owner.close("end")
  }

  reset(): void {
    this.#resetBy ??= "connection"
    // The connection is about to say why.
    process.nextTick(() => this.#socket.destroy())
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The socket
  // -------------------------------------------------------------------------------------------------------------------

  resetByLibrary(): void {
    this.#resetBy ??= "library"
    this.#socket.destroy()
  }

  /** Called before the socket closes its handle. */
  onDestroy(error: NodeJS.ErrnoException | null): void {
    const handle = handleOf(this.#socket)
    if (handle === undefined) return
    this.isBroken = error?.syscall !== undefined && isGone(handle)
    if (this.isBroken) return
    // The rest of a write in flight is dropped, as in Node. The reset tells the peer that the data is incomplete.
    if (this.#resetBy === undefined && isSending(handle)) this.#resetBy = "library"
    if (this.#resetBy !== undefined) {
      resetOnDestroy(this.#socket)
      if (this.#resetBy === "library") this.#owner.close("reset")
    } else if (!this.#socket.readableEnded) {
      // To close the descriptor now could destroy what is in flight.
      this.#end()
      this.#consumption.detach()
      this.#stream.continueOn(takeHandle(this.#socket))
      this.#owner.close("end")
    }
  }
}

const none: ReadonlyArray<never> = []

const isSending = (handle: SocketHandle | undefined): boolean => (handle?.writeQueueSize ?? 0) > 0

// A TCP socket without a peer was reset, or has timed out.
const isGone = (handle: SocketHandle): boolean => handle.getpeername !== undefined && handle.getpeername({}) !== 0
