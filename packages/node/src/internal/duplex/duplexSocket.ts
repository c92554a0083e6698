import type * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Result from "effect/Result"
import { addAbortSignal, Duplex } from "node:stream"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { InactivityTimer } from "./inactivityTimer.ts"
import { codedError, systemError, toNodeError } from "./nodeError.ts"
import { SocketFacts } from "./socketFacts.ts"

/** Closes the connection of a socket. */
export interface Owner {
  /** Closes the connection in order, or with a reset. */
  readonly close: (how: "end" | "reset") => void
}

const now = Promise.resolve()

type Callback = (error?: Error | null) => void

/** A piece of a write. Strings are not decoded, as in Node's sockets, so that `writableLength` counts the same. */
interface Piece {
  readonly chunk: Uint8Array | string
  readonly encoding: BufferEncoding
}

/** A connection as a Duplex that looks like a `net.Socket`. */
export class DuplexSocket extends SocketFacts implements Lending.Consumer {
  // Readers keep what they get.
  readonly ownsChunks = true
  bytesRead = 0
  timeout: number | undefined = undefined
  #owner: Owner | undefined = undefined
  #consumption: Lending.Consumption | undefined = undefined
  // A tick pushes one chunk at most; a chunk that arrives in the same tick is held.
  #tick: "beginning" | "free" | "pushed" | "holding" = "free"
  #held: Uint8Array | undefined = undefined
  #endsBehindHeld = false
  #isPaused = false
  #closing: "end" | "reset" = "end"
  #bytesDispatched = 0
  // The callback of the write that is in flight.
  #writing: Callback | undefined = undefined
  readonly #timer = new InactivityTimer(() => this.emit("timeout"))

  constructor(options: NodeDuplex.SocketOptions = {}) {
    const { allowHalfOpen = false, highWaterMark, readableHighWaterMark, signal, writableHighWaterMark } = options
    super({
      allowHalfOpen,
      ...highWaterMark !== undefined && { highWaterMark },
      ...readableHighWaterMark !== undefined && { readableHighWaterMark },
      ...writableHighWaterMark !== undefined && { writableHighWaterMark },
      autoDestroy: true,
      decodeStrings: false,
      // As in Node's sockets, `close` has an argument, and is emitted by `_destroy`.
      emitClose: false
    })
    this.on("end", onEnd)
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  /** Sets the connection, and starts reading unless the socket is paused. */
  attach(connection: Connection.Connection, owner: Owner, { isPaused = false } = {}): void {
    this.connection = connection
    this.#owner = owner
    if (this.destroyed) return owner.close(this.#closing)
    Lending.onClosed(connection, (closing) => {
      if (closing._tag === "Failed") this.onError(closing.error)
      else if (closing._tag === "Aborted") this.destroy()
    })
    if (this.connecting) {
      this.connecting = false
      this.#timer.refresh()
      this.emit("connect")
      this.emit("ready")
      isPaused = this.isPaused()
    } else if (isPaused) {
      this.pause()
    }
    // So that the peer's end or reset is noticed before the user reads.
    if (!isPaused) this.read(0)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  override _read(): void {
    const { connection } = this
    if (connection === undefined) {
      this.once("connect", () => this._read())
      return
    }
    if (this.#consumption === undefined) {
      // Input arrives in a later tick, and never within a call of the reader.
      if (this.#tick === "free") process.nextTick(() => this.#consume(connection))
      this.#tick = "beginning"
    } else if (this.#isPaused) {
      this.#isPaused = false
      this.#resume()
    }
  }

  #consume(connection: Connection.Connection): void {
    if (this.destroyed) return
    this.#tick = "free"
    const consumption = Lending.consume(connection, this)
    if (Result.isFailure(consumption)) return this.onError(consumption.failure)
    // Buffered input was delivered within the call, and may have destroyed this socket.
    if (this.destroyed) return consumption.success.detach()
    this.#consumption = consumption.success
    if (!this.#isPaused) this.#resume()
  }

  #resume(): void {
    if (this.#tick !== "holding") this.#consumption!.resume()
  }

  onChunk(chunk: Uint8Array): boolean {
    this.#timer.refresh()
    this.bytesRead += chunk.length
    if (this.#tick === "free") return this.#push(chunk)
    // Node's sockets emit one chunk per tick, and code that reads on `readable` relies on it.
    this.#tick = "holding"
    this.#held = chunk
    return false
  }

  #push(chunk: Uint8Array): boolean {
    this.#tick = "pushed"
    // A promise job runs after the ticks that this chunk causes, and costs less than `nextTick`.
    void now.then(this.#onTick)
    const wantsMore = this.push(chunk)
    if (!wantsMore) this.#isPaused = true
    return wantsMore
  }

  readonly #onTick = (): void => {
    const held = this.#held
    this.#tick = "free"
    this.#held = undefined
    if (held === undefined || this.destroyed) return
    const wantsMore = this.#push(held)
    if (this.#endsBehindHeld) this.onEnd()
    else if (wantsMore) this.#consumption?.resume()
  }

  onEnd(): void {
    if (this.#held !== undefined) {
      this.#endsBehindHeld = true
      return
    }
    this.push(null)
    this.read(0)
  }

  onError(error: NetworkError.NetworkError): void {
    if (this.destroyed) return
    this.destroy(this.#closing === "reset" || error.reason._tag === "Closed" ? undefined : toNodeError(error))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  override _write(chunk: Uint8Array | string, encoding: BufferEncoding, callback: Callback): void {
    this.#writeAll([typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk], callback)
  }

  override _writev(pieces: Array<Piece>, callback: Callback): void {
    const size = pieces.reduce((sum, piece) => sum + byteLength(piece), 0)
    this.#writeAll(size > smallBytes ? pieces.map(toBytes) : [join(pieces, size)], callback)
  }

  #writeAll(chunks: ReadonlyArray<Uint8Array>, callback: Callback): void {
    if (!this.connecting && this.connection === undefined) {
      return callback(codedError("ERR_SOCKET_CLOSED", "Socket is closed"))
    }
    for (const chunk of chunks) this.#bytesDispatched += chunk.length
    if (this.connecting) {
      const onClose = () => {
        const message = "Socket closed before the connection was established"
        callback(codedError("ERR_SOCKET_CLOSED_BEFORE_CONNECTION", message))
      }
      this.once("connect", () => {
        this.off("close", onClose)
        this.#send(chunks, callback)
      })
      this.once("close", onClose)
    } else this.#send(chunks, callback)
  }

  #send(chunks: ReadonlyArray<Uint8Array>, callback: Callback): void {
    this.#timer.refresh()
    this.#writing = callback
    if (!Lending.write(this.connection!, chunks, this.#onWritten)) return
    this.#writing = undefined
    callback()
  }

  readonly #onWritten = (error: NetworkError.NetworkError | undefined): void => {
    const callback = this.#writing
    this.#writing = undefined
    this.#timer.refresh()
    callback?.(error && toNodeError(error))
  }

  override _final(callback: Callback): void {
    const { connection } = this
    if (this.connecting) this.once("connect", () => this._final(callback))
    else if (connection === undefined) callback()
    // Node never ends within the call.
    else if (Lending.end(connection, (error) => callback(error && toNodeError(error)))) setImmediate(callback)
  }

  /** The bytes that were passed to `write`, sent or not. */
  get bytesWritten(): number {
    // A public getter of Node's writable streams that is missing from its types.
    const { writableBuffer = [] } = this as { readonly writableBuffer?: ReadonlyArray<Piece> }
    return writableBuffer.reduce((sum, piece) => sum + byteLength(piece), this.#bytesDispatched)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Closing
  // -------------------------------------------------------------------------------------------------------------------

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const wasUsed = this.connecting || this.connection !== undefined
    this.#timer.stop()
    this.connecting = false
    this.#held = undefined
    this.#consumption?.detach()
    const writing = this.#writing
    this.#writing = undefined
    // The rest of a write in flight is dropped, as in Node. The reset tells the peer that the data is incomplete.
    this.#owner?.close(writing === undefined ? this.#closing : "reset")
    callback(error)
    process.nextTick(() => {
      writing?.(systemError("write", "ECANCELED"))
      if (wasUsed) this.emit("close", error !== null)
      else this.emit("close")
    })
  }

  /** Destroys the socket without closing its connection, and returns the bytes that were received and not read. */
  release(): Uint8Array {
    const held = this.#held === undefined ? [] : [this.#held]
    this.#consumption?.detach()
    this.connection =
      this.#consumption =
      this.#owner =
      this.#held =
        undefined
    const unread: Array<Buffer> = []
    for (let chunk = this.read() as Buffer | null; chunk !== null; chunk = this.read()) unread.push(chunk)
    this.destroy()
    return Buffer.concat([...unread, ...held])
  }

  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once("finish", () => this.destroy())
  }

  resetAndDestroy(): this {
    if (this.connecting) this.once("connect", () => this.resetAndDestroy())
    else if (this.connection === undefined) this.destroy(codedError("ERR_SOCKET_CLOSED", "Socket is closed"))
    else {
      this.#closing = "reset"
      this.destroy()
    }
    return this
  }

  /** Emits `timeout` after `milliseconds` without input and output; 0 for never. */
  setTimeout(milliseconds: number, onTimeout?: () => void): this {
    if (this.destroyed) return this
    this.timeout = milliseconds
    this.#timer.set(milliseconds)
    if (onTimeout !== undefined) {
      if (milliseconds > 0) this.once("timeout", onTimeout)
      else this.off("timeout", onTimeout)
    }
    return this
  }
}

// Up to this size, copying pieces together costs less than handing over several.
const smallBytes = 16 * 1024

const join = (pieces: ReadonlyArray<Piece>, size: number): Uint8Array => {
  const joined = Buffer.allocUnsafe(size)
  let at = 0
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === "string") at += joined.write(chunk, at, encoding)
    else {
      joined.set(chunk, at)
      at += chunk.length
    }
  }
  return joined
}

const toBytes = ({ chunk, encoding }: Piece): Uint8Array =>
  typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk

const byteLength = ({ chunk, encoding }: Piece): number =>
  typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.length

function onEnd(this: DuplexSocket): void {
  if (!this.allowHalfOpen) Object.assign(this, { write: writeAfterEnd })
}

/** `write` of a socket that ended its output because the peer did. */
function writeAfterEnd(this: DuplexSocket, chunk: never, encoding: unknown, callback?: unknown): boolean {
  if (!this.writableEnded) return Duplex.prototype.write.call(this, chunk, encoding as never, callback as never)
  const error = codedError("EPIPE", "This socket has been ended by the other party")
  const onError = typeof encoding === "function" ? encoding : callback
  if (typeof onError === "function") process.nextTick(onError as (error: Error) => void, error)
  this.destroy(error)
  return false
}
