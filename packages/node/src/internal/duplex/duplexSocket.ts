import type * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { Duplex } from "node:stream"
import { toNodeError } from "./nodeError.ts"

/** What opened a connection, and closes it. */
export interface Owner {
  /** Closes it in order, or with a reset. */
  readonly close: (how: "end" | "reset") => void
}

export interface Options {
  /** Whether the output stays open after the peer has ended. Default: `false`, as with Node's sockets. */
  readonly allowHalfOpen?: boolean | undefined
}

type Callback = (error?: Error | null) => void

/** A connection as a Duplex that looks like a `net.Socket`. */
export class DuplexSocket extends Duplex implements Lending.Consumer {
  /** Whether it is about to be connected. What is written meanwhile waits. */
  connecting = false
  bytesRead = 0
  bytesWritten = 0
  timeout: number | undefined = undefined
  #connection: Connection.Connection | undefined = undefined
  #owner: Owner | undefined = undefined
  #consumption: Lending.Consumption | undefined = undefined
  // Whether the chunk that came last is waiting, to be pushed in a tick of its own.
  #tick: "free" | "pushed" | "holding" = "free"
  #held: Uint8Array | undefined = undefined
  #endsBehindHeld = false
  #isPaused = false
  #closing: "end" | "reset" = "end"
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(options: Options = {}) {
    // As Node's sockets: `close` tells whether there was an error.
    super({ allowHalfOpen: options.allowHalfOpen ?? false, emitClose: false, autoDestroy: true })
  }

  /** Gives it its connection. */
  attach(connection: Connection.Connection, owner: Owner): void {
    this.#connection = connection
    this.#owner = owner
    if (this.destroyed) return owner.close(this.#closing)
    Lending.onClosed(connection, (closing) => {
      if (closing._tag === "Failed") this.onError(closing.error)
      else if (closing._tag === "Aborted") this.destroy()
    })
    if (!this.connecting) return
    this.connecting = false
    this.#touch()
    this.emit("connect")
    this.emit("ready")
    // A reader may have asked before.
    if (!this.isPaused() || this.listenerCount("readable") > 0) this.read(0)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  override _read(): void {
    const connection = this.#connection
    if (connection === undefined) {
      if (this.connecting) this.once("connect", () => this._read())
      return
    }
    if (this.#consumption === undefined) {
      const consumption = Lending.consume(connection, this)
      if (Result.isFailure(consumption)) return this.onError(consumption.failure)
      this.#consumption = consumption.success
      // Whatever was here already came during the call.
      if (!this.#isPaused && this.#tick !== "holding") this.#consumption.resume()
    } else if (this.#isPaused) {
      this.#isPaused = false
      if (this.#tick !== "holding") this.#consumption.resume()
    }
  }

  onChunk(chunk: Uint8Array): boolean {
    this.#touch()
    this.bytesRead += chunk.length
    if (this.#tick === "free") return this.#push(chunk)
    // Node's sockets give one chunk in a tick, and code that reads on `readable` counts on it.
    this.#tick = "holding"
    this.#held = chunk
    return false
  }

  #push(chunk: Uint8Array): boolean {
    this.#tick = "pushed"
    process.nextTick(this.#onTick)
    // The reader owns what it gets; this chunk is only lent.
    const wantsMore = this.push(Buffer.from(chunk))
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
    if (this.readableLength === 0) this.read(0)
  }

  onError(error: NetworkError.NetworkError): void {
    if (this.destroyed) return
    this.destroy(this.#closing === "reset" || error.reason._tag === "Closed" ? undefined : toNodeError(error))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  override _write(chunk: Uint8Array, _: BufferEncoding, callback: Callback): void {
    this.#writeAll([chunk], callback)
  }

  override _writev(chunks: Array<{ chunk: Uint8Array }>, callback: Callback): void {
    this.#writeAll(chunks.map(({ chunk }) => chunk), callback)
  }

  #writeAll(chunks: ReadonlyArray<Uint8Array>, callback: Callback): void {
    const connection = this.#connection
    if (connection === undefined) return this.#whenConnected(() => this.#writeAll(chunks, callback), callback)
    this.#touch()
    for (const chunk of chunks) this.bytesWritten += chunk.length
    if (Lending.write(connection, chunks, (error) => callback(error && toNodeError(error)))) callback()
  }

  override _final(callback: Callback): void {
    const connection = this.#connection
    if (connection === undefined) return this.#whenConnected(() => this._final(callback), callback)
    if (Lending.end(connection, (error) => callback(error && toNodeError(error)))) callback()
  }

  #whenConnected(use: () => void, callback: Callback): void {
    if (this.connecting) this.once("connect", use)
    // Ending a socket that never was connected is nothing.
    else callback()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Closing
  // -------------------------------------------------------------------------------------------------------------------

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.connecting = false
    this.#held = undefined
    this.#consumption?.detach()
    this.#owner?.close(this.#closing)
    callback(error)
    process.nextTick(() => this.emit("close", error !== null))
  }

  /** Gives the connection back, with what was read and not taken. The socket is of no more use. */
  release(): Uint8Array {
    const held = this.#held === undefined ? [] : [Buffer.from(this.#held)]
    this.#consumption?.detach()
    this.#connection =
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
    this.#closing = "reset"
    this.destroy()
    return this
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Facts and settings
  // -------------------------------------------------------------------------------------------------------------------

  get connection(): Connection.Connection | undefined {
    return this.#connection
  }

  get pending(): boolean {
    return this.#connection === undefined
  }

  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening"
    if (this.readable) return this.writable ? "open" : "readOnly"
    return this.writable ? "writeOnly" : "closed"
  }

  get #local(): NetAddress.InetAddress | undefined {
    return inet(this.#connection?.localAddress)
  }

  get #remote(): NetAddress.InetAddress | undefined {
    return inet(this.#connection?.remoteAddress)
  }

  get localAddress(): string | undefined {
    return this.#local && NetAddress.formatHost(this.#local)
  }

  get localPort(): number | undefined {
    return this.#local?.port
  }

  get localFamily(): string | undefined {
    return family(this.#local)
  }

  get remoteAddress(): string | undefined {
    return this.#remote && NetAddress.formatHost(this.#remote)
  }

  get remotePort(): number | undefined {
    return this.#remote?.port
  }

  get remoteFamily(): string | undefined {
    return family(this.#remote)
  }

  address(): { address?: string; family?: string; port?: number } {
    const local = this.#local
    return local === undefined
      ? {}
      : { address: NetAddress.formatHost(local), family: family(local)!, port: local.port }
  }

  get bufferSize(): number {
    return this.writableLength
  }

  /** Emits `timeout` after `milliseconds` without input and output; 0 for never. */
  setTimeout(milliseconds: number, onTimeout?: () => void): this {
    this.timeout = milliseconds
    clearTimeout(this.#timer)
    this.#timer = milliseconds > 0 ? setTimeout(() => this.emit("timeout"), milliseconds).unref() : undefined
    if (onTimeout !== undefined) {
      if (milliseconds > 0) this.once("timeout", onTimeout)
      else this.off("timeout", onTimeout)
    }
    return this
  }

  #touch(): void {
    this.#timer?.refresh()
  }

  // Options of the connection, which are chosen where it is opened.
  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  // -------------------------------------------------------------------------------------------------------------------
  // TLS
  // -------------------------------------------------------------------------------------------------------------------

  get encrypted(): true | undefined {
    return this.#connection?.tls === undefined ? undefined : true
  }

  get authorized(): boolean | undefined {
    return this.#connection?.tls?.verified
  }

  get alpnProtocol(): string | false | undefined {
    const tls = this.#connection?.tls
    return tls && (tls.applicationProtocol ?? false)
  }

  get servername(): string | false | undefined {
    const tls = this.#connection?.tls
    return tls && (tls.serverName ?? false)
  }

  getProtocol(): string | null {
    return this.#connection?.tls?.protocol ?? null
  }

  /** The peer's certificate in Node's form, as far as it is known; an empty object where there is none. */
  getPeerCertificate(): object {
    const certificate = this.#connection?.tls?.peerCertificate
    if (certificate === undefined) return {}
    const { alternativeNames, fingerprint256, issuer, notAfter, notBefore, subject } = certificate
    return {
      subject: named(subject),
      issuer: named(issuer),
      subjectaltname: alternativeNames.join(", "),
      valid_from: notBefore.toUTCString(),
      valid_to: notAfter.toUTCString(),
      fingerprint256
    }
  }
}

const inet = (address: NetAddress.SocketAddress | undefined): NetAddress.InetAddress | undefined =>
  address === undefined || NetAddress.isUnixPathAddress(address) ? undefined : address

const family = (address: NetAddress.InetAddress | undefined): string | undefined =>
  address && (NetAddress.isInetAddressV6(address) ? "IPv6" : "IPv4")

// An attribute that occurs several times is a list, as in Node.
const named = (name: ReadonlyArray<{ readonly type: string; readonly value: string }>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(name, ({ type }) => type)).map(([type, all = []]) => {
      const values = all.map(({ value }) => value)
      return [type, values.length === 1 ? values[0] : values]
    })
  )
