import * as Transport from "@sluice/core/Transport"
import { byteLength } from "@sluice/framing/Chunks"
import type * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Net from "node:net"
import { fromNode } from "./address.ts"
import { listenForEnd } from "./facade/endListener.ts"
import * as OwnChunk from "./facade/ownChunk.ts"
import * as ReadBuffer from "./facade/readBuffer.ts"
import { unacknowledged } from "./facade/sendBuffer.ts"
import { type SocketHandle, startFlowing, stopReading, takeBuffered } from "./facade/socketHandle.ts"

/** One end of a stream as Node reports it, parsed on demand. */
export type Facts = { readonly host: string; readonly port: number } | { readonly path: string }

const parse = (facts: Facts): NetAddress.SocketAddress =>
  "path" in facts ? NetAddress.unixPathAddress(facts.path) : fromNode(facts.host, facts.port)

/** What is known of a stream beside its socket. */
export interface StreamFacts {
  readonly local: Facts | NetAddress.SocketAddress
  readonly remote: Facts | NetAddress.SocketAddress
  readonly reuseReadBuffer: boolean
}

/** A library that has the socket of a stream. */
export interface Library {
  /** Called with what a socket reads into the shared buffer; answers whether to continue reading. */
  readonly onRead: ReadBuffer.OnRead
  /** Called before the connection writes, too. */
  readonly onWrite: (bytes: number) => void
  /** Resets the connection. */
  readonly reset: () => void
  /** Called when the socket is closed, after the connection has heard of it. */
  readonly onClose: () => void
  /** Whether the connection broke. Otherwise an error is the library's own. */
  readonly isBroken: boolean
}

export const empty = new Uint8Array(0)

// The listeners below are shared by all sockets and find their stream here: a closure each would cost every idle
// connection some hundred bytes.
const owner = Symbol("sluice")

type Owned = Net.Socket & { [owner]: NodeStream | typeof nobody }

// The owner of a socket that was given up.
const nobody = { receiver: undefined, onEnd: () => {}, onError: () => {}, onClose: () => {} }

/** Reports an error of a socket that it does not emit as `error`. */
export const reportError = (socket: Net.Socket, error: NodeJS.ErrnoException): void =>
  (socket as Owned)[owner].onError(error)

/** An open `net.Socket` as a transport. */
export class NodeStream implements Transport.StreamTransport {
  protected socket: Net.Socket
  readonly #reuse: boolean
  #local: Facts | NetAddress.SocketAddress
  #remote: Facts | NetAddress.SocketAddress
  #receiver: Transport.StreamReceiver | undefined = undefined
  #lends = false
  #isArriving = false
  #library: Library | undefined = undefined

  constructor(socket: Net.Socket, options: StreamFacts) {
    this.socket = socket
    this.#reuse = options.reuseReadBuffer
    this.#local = options.local
    this.#remote = options.remote
    this.#listen()
  }

  #listen(): void {
    const { socket } = this
    ;(socket as Owned)[owner] = this
    socket.on("error", onError)
    listenForEnd(socket, onEnd)
    socket.on("close", onClose)
  }

  #ignore(): void {
    const { socket } = this
    socket.off("error", onError)
    socket.off("end", onEnd)
    socket.off("close", onClose)
    socket.off("data", onData)
  }

  get localAddress(): NetAddress.SocketAddress {
    return "_tag" in this.#local ? this.#local : (this.#local = parse(this.#local))
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return "_tag" in this.#remote ? this.#remote : (this.#remote = parse(this.#remote))
  }

  /** The receiver, once there is one. */
  get receiver(): Transport.StreamReceiver | undefined {
    return this.#receiver
  }

  /**
   * Gives an accepted connection to its listener. A library that has the socket at the end of the call reads it in Node's own
   * way: a socket that has read into the shared buffer cannot stop doing so, and that costs such a library a copy.
   */
  arriveAt(listener: Transport.ListenerReceiver): void {
    this.#isArriving = true
    listener.onConnection(this)
    this.#arrived()
  }

  // Nothing was read meanwhile: the event loop reads.
  #arrived(): void {
    if (!this.#isArriving) return
    this.#isArriving = false
    if (this.#lends && this.#library === undefined) ReadBuffer.adopt(this.socket, ReadBuffer.shared, onRead)
  }

  start(receiver: Transport.StreamReceiver): void {
    const { socket } = this
    this.#receiver = receiver
    this.#lends = this.#reuse &&
      (this.#isArriving ? ReadBuffer.canAdopt(socket) : ReadBuffer.adopt(socket, ReadBuffer.shared, onRead))
    if (this.#lends) {
      // What arrived behind a handshake is in the buffer of the stream.
      const early = takeBuffered(socket)
      startFlowing(socket)
      let wantsMore = true
      for (const chunk of early) wantsMore = receiver.onData(chunk)
      if (!wantsMore) stopReading(socket)
    } else {
      socket.on("data", onData).resume()
    }
    if (socket.closed) receiver.onClose()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Whether it is to read into the shared buffer. */
  protected get reusesReadBuffer(): boolean {
    return this.#reuse
  }

  /** Whether its chunks are lent. */
  protected get lends(): boolean {
    return this.#lends
  }

  keep(chunk: Uint8Array): Uint8Array {
    return this.#lends ? OwnChunk.copy(chunk) : chunk
  }

  recycle(chunk: Uint8Array): void {
    OwnChunk.recycle(chunk)
  }

  dedicate(): boolean {
    this.#arrived()
    return !this.#lends || ReadBuffer.adopt(this.socket, ReadBuffer.allocate(), onRead)
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    const socket = this.socket
    this.#library?.onWrite(byteLength(chunks))
    if (chunks.length === 1) {
      socket.write(chunks[0]!)
    } else {
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    }
    if (socket.writableLength === 0) return true
    // Node tells when a write is through only to a callback, and a callback slows every write down: so it goes with an
    // empty one, and only where the system has not taken all at once.
    socket.write(empty, (error) => {
      if (!error) this.#receiver!.onFlushed()
    })
    return false
  }

  get unacknowledged(): Effect.Effect<number | undefined> {
    return unacknowledged(this.socket)
  }

  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  reset(): void {
    const socket = this.socket
    if (socket.destroyed) return
    if (this.#library !== undefined) return this.#library.reset()
    // There is no reset on a Unix-domain socket.
    if ("path" in this.#remote) socket.destroy()
    // Nor can one be sent while a FIN is on its way to the system, which takes no more than a turn of the event loop.
    else if (socket.writableEnded && !socket.writableFinished) socket.once("finish", () => this.reset())
    else socket.resetAndDestroy()
  }

  /** Gives up the socket: what happens on it is not reported here from now on. */
  surrender(): { readonly socket: Net.Socket; readonly facts: StreamFacts } {
    this.#arrived()
    const { socket } = this
    const owned = socket as Owned
    // Removing the listeners would cost every TLS connection more.
    owned[owner] = nobody
    if (this.#receiver !== undefined) socket.off("data", onData)
    this.#receiver = undefined
    return { socket, facts: { local: this.#local, remote: this.#remote, reuseReadBuffer: this.#reuse } }
  }

  /** Gives the socket to a library, if it is open in both directions and what it reads is not buffered. */
  lendTo(library: Library): Net.Socket | undefined {
    const { socket } = this
    if (!this.#lends || socket.destroyed || socket.readableEnded || socket.writableEnded) return undefined
    this.#library = library
    if (!this.#isArriving) ReadBuffer.redirect(socket, library.onRead)
    return socket
  }

  /** Takes the socket back from a library that has not used it. */
  takeBack(): void {
    this.#library = undefined
    if (!this.#isArriving) ReadBuffer.redirect(this.socket, onRead)
  }

  /** Continues on the handle of the socket that the library had, and has destroyed. */
  continueOn(handle: SocketHandle): void {
    this.#ignore()
    this.#library = undefined
    this.socket = ReadBuffer.socketOn(handle, onRead)
    this.#listen()
  }

  onEnd(): void {
    this.#receiver?.onEnd()
  }

  onError(error: NodeJS.ErrnoException): void {
    if (this.#library?.isBroken === false) return
    const operation = error.syscall === "write" || error.syscall === "shutdown" ? "write" : "read"
    // Bun frees the descriptor of a socket whose peer is gone, before it reports that.
    if (operation === "write" && error.code === "EBADF") error.code = "EPIPE"
    const reported = Transport.systemError({ operation, address: this.peer, error })
    if (this.#library !== undefined) error.cause ??= reported
    this.#receiver?.onError(reported)
  }

  onClose(): void {
    this.#receiver?.onClose()
    this.#library?.onClose()
  }

  get peer(): string {
    const address = this.remoteAddress
    return NetAddress.isUnixPathAddress(address)
      ? `unix://${address.path}`
      : NetAddress.formatSocketAddress(address)
  }
}

function onRead(this: Net.Socket, length: number, buffer: Uint8Array): boolean {
  return (this as Owned)[owner].receiver!.onData(buffer.subarray(0, length))
}

function onData(this: Net.Socket, chunk: Uint8Array): void {
  OwnChunk.announce(chunk.length)
  if (!(this as Owned)[owner].receiver!.onData(chunk)) this.pause()
}

function onEnd(this: Net.Socket): void {
  ;(this as Owned)[owner].onEnd()
}

function onError(this: Net.Socket, error: NodeJS.ErrnoException): void {
  ;(this as Owned)[owner].onError(error)
}

function onClose(this: Net.Socket): void {
  ;(this as Owned)[owner].onClose()
}
