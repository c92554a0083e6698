import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import * as TlsReason from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import type * as Net from "node:net"
import type { TLSSocket } from "node:tls"
import { type EndObserver, InputEnd } from "../facade/inputEnd.ts"
import { isNode, takesEmptyWrites } from "../facade/runtime.ts"
import { isPaused } from "../facade/socketHandle.ts"
import * as TlsFacade from "../facade/tlsSocket.ts"
import { empty, NodeStream, reportError, type StreamFacts } from "../stream.ts"
import { fromTls } from "./errors.ts"
import { Staging } from "./staging.ts"

/** Told how a handshake fails. */
export interface HandshakeObserver {
  readonly onError: (error: NodeJS.ErrnoException) => void
  /** The peer has ended, or the socket is closed. */
  readonly onCut: () => void
}

/**
 * A TLS socket as a transport, once its handshake is done.
 *
 * Node encrypts chunks at once, so that they are free again, but completes every write a turn of the event loop later.
 * Chunks written in between are collected and sent with the next write.
 */
export class SecureStream extends NodeStream implements Transport.SecureTransport, EndObserver {
  #tls: Tls.Session | undefined = undefined
  // During the handshake.
  #observer: HandshakeObserver | undefined
  // Until the stream is handed over.
  #onReady: (() => void) | undefined = undefined
  readonly #raw: Net.Socket
  readonly #inputEnd: InputEnd
  readonly #staging = new Staging()
  #writing = false
  #waiting: ReadonlyArray<Uint8Array> | undefined = undefined
  #ending = false
  #shuttingDown = false
  #destroying = false
  // Events before `start`.
  #ended = false
  #error: NodeJS.ErrnoException | undefined = undefined

  constructor(
    socket: TLSSocket,
    raw: Net.Socket,
    facts: StreamFacts,
    observer: HandshakeObserver
  ) {
    super(socket, isNode ? facts : { ...facts, reuseReadBuffer: false })
    this.#raw = raw
    this.#observer = observer
    this.#inputEnd = new InputEnd(socket, raw, this)
    TlsFacade.onTlsError(socket, onTlsError)
  }

  get tls(): Tls.Session {
    return this.#tls!
  }

  /**
   * The handshake is done, within OpenSSL: calls back when that has returned. Input that came with the last flight is
   * answered in one write with the session tickets.
   */
  secured(session: Tls.Session, onReady: () => void): void {
    this.#tls = session
    this.#observer = undefined
    this.#onReady = onReady
    setImmediate(() => this.onInput())
  }

  onInput(): void {
    const onReady = this.#onReady
    this.#onReady = undefined
    onReady?.()
  }

  /** The handshake is given up, and what happens to the socket changes nothing. */
  giveUp(): void {
    this.#observer = undefined
    this.#onReady = undefined
  }

  override start(receiver: Transport.StreamReceiver): void {
    // It may have failed already.
    if (this.#error !== undefined) receiver.onError(this.#explain(this.#error))
    super.start(receiver)
    if (!isPaused(this.socket)) this.#inputEnd.release(this.socket)
    if (this.#ended) this.onEnd()
  }

  override resume(): void {
    super.resume()
    this.#inputEnd.release(this.socket)
  }

  /** Until the receiver has all that came before, it must not learn of the end. */
  get holdsEnd(): boolean {
    return this.#observer === undefined && this.reusesReadBuffer &&
      (this.receiver === undefined || isPaused(this.socket))
  }

  onInputEnd(): void {
    this.#observer?.onCut()
  }

  // Node delivers all records of a read, even after an answer to stop.
  override dedicate(): boolean {
    return !this.lends
  }

  // Libraries would end the TCP connection without `close_notify`.
  override lendTo(): undefined {
    return undefined
  }

  copies(bytes: number): boolean {
    return !this.#writing || this.#staging.hasRoom(bytes)
  }

  override write(chunks: ReadonlyArray<Uint8Array>): boolean {
    if (!this.#writing) {
      this.#send(chunks)
      return true
    }
    if (this.#staging.add(chunks)) return true
    this.#waiting = chunks
    return false
  }

  #send(chunks: ReadonlyArray<Uint8Array>): void {
    const { socket } = this
    this.#writing = true
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let index = 0; index < last; index++) socket.write(chunks[index]!)
    socket.write(chunks[last]!, this.#onSent)
    if (last > 0) socket.uncork()
  }

  readonly #onSent = (error: Error | null | undefined): void => {
    this.#writing = false
    if (error) return
    if (!this.#staging.isEmpty) this.#staging.drain((chunk) => this.#send([chunk]))
    const waiting = this.#waiting
    if (waiting !== undefined) {
      if (!this.write(waiting)) return
      this.#waiting = undefined
      this.receiver!.onFlushed()
    } else if (this.#ending && !this.#writing) {
      this.#shutDown()
    }
  }

  override end(): void {
    this.#ending = true
    // Node drops the close_notify while a record of its own, such as a session ticket, is in flight. The empty write waits
    // for that.
    if (this.#writing) return
    if (takesEmptyWrites) this.#send([empty])
    else this.#shutDown()
  }

  #shutDown(): void {
    this.#shuttingDown = true
    this.socket.end()
    if (this.#destroying) this.destroy()
  }

  get isSending(): boolean {
    return this.#writing
  }

  override destroy(): void {
    const { socket } = this
    if (this.#ending && !socket.destroyed && !socket.writableFinished) {
      // Pending data and the close_notify go first.
      this.#destroying = true
      if (this.#shuttingDown) socket.once("finish", () => socket.destroy())
    } else {
      // The system has the close_notify when this returns.
      if (!this.#ending && !this.#writing && this.receiver !== undefined) socket.end()
      socket.destroy()
    }
  }

  override reset(): void {
    // A reset cannot follow a FIN in flight.
    if (this.#shuttingDown && !this.socket.writableFinished) this.#raw.destroy()
    else reset(this.#raw)
  }

  override onEnd(): void {
    if (this.receiver === undefined) this.#ended = true
    else if (!this.#inputEnd.isTruncated) super.onEnd()
    else this.#break(this.#inputEnd.isUnsent ? new NetworkError.ConnectionReset() : new TlsReason.Truncated())
  }

  override onClose(): void {
    if (this.#observer !== undefined) this.#observer.onCut()
    else super.onClose()
  }

  override onError(error: NodeJS.ErrnoException): void {
    if (this.#observer !== undefined) return this.#observer.onError(error)
    // Node may report one error by two events, and leaves a socket open after an alert of its peer.
    if (this.#error !== undefined) return
    this.#error = error
    this.receiver?.onError(this.#explain(error))
    this.socket.destroy()
  }

  #break(reason: NetworkError.Reason): void {
    this.receiver?.onError(NetworkError.make("read", this.peer, reason))
    this.socket.destroy()
  }

  #explain(error: NodeJS.ErrnoException): NetworkError.NetworkError {
    const operation = error.syscall === "write" || error.syscall === "shutdown" ? "write" : "read"
    return fromTls({ operation, address: this.peer, error })
  }
}

function onTlsError(this: TLSSocket, error: NodeJS.ErrnoException): void {
  reportError(this, error)
}

/** Closes a socket and the TLS socket over it, with a reset if it is a TCP socket. */
export const reset = (raw: Net.Socket): void => {
  if (raw.destroyed) return
  if (raw.remoteFamily === undefined) raw.destroy()
  else raw.resetAndDestroy()
}
