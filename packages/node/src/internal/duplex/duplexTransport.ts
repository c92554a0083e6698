import * as Transport from "@sluice/core/Transport"
import type * as NetAddress from "effect/net/NetAddress"
import type { Duplex } from "node:stream"

export interface Options {
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  /** How long a Duplex may take to finish and to close, in milliseconds. */
  readonly closeTimeout: number
}

/** Any Duplex of bytes as the transport of a connection. */
export class DuplexTransport implements Transport.StreamTransport {
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  readonly #duplex: Duplex
  readonly #closeTimeout: number
  #receiver: Transport.StreamReceiver | undefined = undefined
  #peerEnded = false
  // Whether this side closes the Duplex: then its errors are not reported.
  #closing = false
  #hasFailed = false
  #isClosed = false
  #deadline: NodeJS.Timeout | undefined = undefined

  constructor(duplex: Duplex, { closeTimeout, localAddress, remoteAddress }: Options) {
    this.#duplex = duplex
    this.#closeTimeout = closeTimeout
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    // The peer's end leaves the output open.
    duplex.allowHalfOpen = true
    duplex.pause()
    // From the start, because an error without a listener would end the process.
    duplex.on("error", (error) => this.#onError(error))
  }

  start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
    const duplex = this.#duplex
    duplex.once("close", () => this.#onClose())
    if (duplex.closed) return process.nextTick(() => this.#onClose())
    duplex.on("data", (chunk: Uint8Array | string) => {
      if (!receiver.onData(this.#toBytes(chunk))) duplex.pause()
    })
    if (duplex.readableEnded) process.nextTick(() => this.#onEnd())
    else duplex.once("end", () => this.#onEnd())
    duplex.resume()
  }

  // A Duplex with an encoding emits strings.
  #toBytes(chunk: Uint8Array | string): Uint8Array {
    return typeof chunk === "string" ? Buffer.from(chunk, this.#duplex.readableEncoding ?? "utf8") : chunk
  }

  resume(): void {
    this.#duplex.resume()
  }

  keep(chunk: Uint8Array): Uint8Array {
    return chunk
  }

  // Chunks belong to the reader already.
  dedicate(): boolean {
    return true
  }

  get isSending(): boolean {
    const { writableEnded, writableFinished, writableLength } = this.#duplex
    return writableLength > 0 || (writableEnded && !writableFinished)
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    const duplex = this.#duplex
    let isWritten = false
    const onWritten = (error?: Error | null) => {
      if (!error && !isWritten) this.#receiver?.onFlushed()
    }
    duplex.cork()
    // A Duplex may keep a chunk for any time.
    chunks.forEach((chunk, index) => {
      duplex.write(Buffer.from(chunk), index === chunks.length - 1 ? onWritten : undefined)
    })
    duplex.uncork()
    isWritten = duplex.writableLength === 0
    return isWritten
  }

  end(): void {
    this.#duplex.end()
  }

  destroy(): void {
    if (this.#closing) return
    this.#closing = true
    const duplex = this.#duplex
    this.#limit(() => this.#giveUp())
    if (duplex.writableFinished || duplex.destroyed) return void duplex.destroy()
    duplex.once("finish", () => duplex.destroy())
    duplex.end()
  }

  reset(): void {
    if (this.#isClosed) return
    this.#closing = true
    this.#limit(() => this.#onClose())
    const duplex = this.#duplex as Duplex & { readonly resetAndDestroy?: () => unknown }
    if (duplex.destroyed) return
    // A socket cannot be reset while its FIN is on the way to the system.
    const isEnding = duplex.writableEnded && !duplex.writableFinished
    if (typeof duplex.resetAndDestroy !== "function") {
      duplex.destroy(Object.assign(new Error("the connection was reset"), { code: "ECONNRESET" }))
    } else if (isEnding && duplex.writableLength === 0) duplex.once("finish", () => this.reset())
    else duplex.resetAndDestroy()
  }

  // It has not finished in time.
  #giveUp(): void {
    this.#limit(() => this.#onClose())
    this.#duplex.destroy()
  }

  #limit(onTimeout: () => void): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(onTimeout, this.#closeTimeout)
  }

  #onEnd(): void {
    this.#peerEnded = true
    this.#receiver?.onEnd()
  }

  #onError(error: Error): void {
    if (this.#closing || this.#hasFailed || this.#receiver === undefined) return
    this.#hasFailed = true
    const { syscall } = error as NodeJS.ErrnoException
    const operation = syscall === "write" || syscall === "shutdown" ? "write" : "read"
    this.#receiver?.onError(Transport.systemError({ operation, address: Transport.formatPeer(this), error }))
  }

  #onClose(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#deadline)
    const { errored, writableFinished } = this.#duplex
    // Closed before both sides have ended.
    if (!(this.#peerEnded && writableFinished)) {
      this.#onError(
        errored ?? Object.assign(new Error("closed before its end"), { code: "ECONNRESET", syscall: "read" })
      )
    }
    this.#receiver?.onClose()
  }
}
