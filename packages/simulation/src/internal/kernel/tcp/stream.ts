import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import { copy } from "../../fabric/copyPool.ts"
import { isUnix, toSocketAddress } from "../socketAddress.ts"
import { systemError } from "../systemError.ts"
import { Endpoint, type Options } from "./endpoint.ts"
import type { Application, Breakage } from "./endpointListener.ts"
import type { TcpTable } from "./table.ts"

/** Runs a task of the program that has a socket, soon. */
export type Submit = (task: () => void) => void

/** The opener of a stream: a connecting program, or a listener. */
export interface Opener {
  readonly hasRoom?: () => boolean
  readonly onOpen: () => void
  readonly onFailed: (breakage: Breakage) => void
}

/**
 * A TCP endpoint as a program's transport.
 *
 * The endpoint never runs the program: its events are noted here and delivered by a task of their own, in the order that
 * the Scheduler chooses.
 */
export class TcpStream implements Transport.StreamTransport, Application {
  readonly endpoint: Endpoint
  readonly #table: TcpTable
  readonly #submit: Submit
  #opener: Opener | undefined
  #receiver: Transport.StreamReceiver | undefined = undefined
  #telling = false
  #flowing = true
  // The chunk that the receiver gets, if nobody else has it.
  #copied: Uint8Array | undefined = undefined
  // What of a write did not fit.
  #unwritten: Array<Uint8Array> | undefined = undefined
  #flushed = false
  #writeFailed = false
  #ended = false
  #finished = false
  #broken: Breakage | undefined = undefined
  #destroyed = false
  #closed = false

  constructor(table: TcpTable, submit: Submit, options: Options, opener: Opener) {
    this.#table = table
    this.#submit = submit
    this.#opener = opener
    this.endpoint = new Endpoint(table, options, this)
  }

  get localAddress(): NetAddress.SocketAddress {
    return toSocketAddress(this.endpoint.local)
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return toSocketAddress(this.endpoint.remote)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the program does
  // -------------------------------------------------------------------------------------------------------------------

  start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
    if (this.#closed) receiver.onClose()
    else this.#tell()
  }

  resume(): void {
    this.#flowing = true
    this.#tell()
  }

  // The sender may have to send it again: its keeper gets a copy of its own, unless the chunk is one already.
  keep(chunk: Uint8Array): Uint8Array {
    if (chunk !== this.#copied) return copy(chunk)
    this.#copied = undefined
    return chunk
  }

  dedicate(): boolean {
    return true
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    if (this.#broken !== undefined) {
      // It is taken, as sockets of the system take it, and the breakage is told right after.
      this.#writeFailed = true
      this.#tell()
      return true
    }
    const { endpoint } = this
    for (let index = 0; index < chunks.length; index++) {
      const chunk = chunks[index]!
      const taken = endpoint.write(chunk)
      if (taken < chunk.length) {
        this.#unwritten = [chunk.subarray(taken), ...chunks.slice(index + 1)]
        break
      }
    }
    endpoint.flush()
    return this.#unwritten === undefined
  }

  readonly unacknowledged = Effect.sync(() => this.endpoint.unacknowledged)

  end(): void {
    this.#finished = true
    this.endpoint.finish()
    this.#tell()
  }

  destroy(): void {
    if (this.#destroyed || this.#closed) return
    this.#destroyed = true
    this.endpoint.close()
    this.#tell()
  }

  reset(): void {
    if (this.#closed) return
    // There is no reset on a Unix-domain socket.
    if (isUnix(this.endpoint.remote.address) || isUnix(this.endpoint.local.address)) return this.destroy()
    this.#destroyed = true
    this.endpoint.abort()
    this.#tell()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the network does
  // -------------------------------------------------------------------------------------------------------------------

  hasRoom(): boolean {
    return this.#opener?.hasRoom?.() ?? true
  }

  onEstablished(): void {
    this.#opener?.onOpen()
    this.#opener = undefined
  }

  onReadable(): void {
    if (this.#flowing) this.#tell()
  }

  onWritable(): void {
    const unwritten = this.#unwritten
    if (unwritten === undefined) return
    // Little by little is dear.
    if (this.endpoint.hasOutput && this.endpoint.room < this.#table.settings.sendBuffer / 2) return
    while (unwritten.length > 0) {
      const chunk = unwritten[0]!
      const taken = this.endpoint.write(chunk)
      if (taken < chunk.length) {
        unwritten[0] = chunk.subarray(taken)
        break
      }
      unwritten.shift()
    }
    if (unwritten.length > 0) return
    this.#unwritten = undefined
    this.#flushed = true
    this.#tell()
  }

  onBroken(breakage: Breakage): void {
    this.#broken = breakage
    if (this.#opener !== undefined) this.#table.descriptors.close(this)
    this.#opener?.onFailed(breakage)
    this.#opener = undefined
    if (breakage === "ENETDOWN") this.#flowing = true
    this.#tell()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Telling
  // -------------------------------------------------------------------------------------------------------------------

  #tell(): void {
    if (this.#telling || this.#closed || this.#receiver === undefined && !this.#destroyed) return
    this.#telling = true
    this.#submit(this.#tellNow)
  }

  readonly #tellNow = (): void => {
    this.#telling = false
    const receiver = this.#receiver
    if (this.#closed) return
    if (this.#destroyed) return this.#close()
    if (receiver === undefined) return
    if (this.#flushed) {
      this.#flushed = false
      receiver.onFlushed()
    }
    // A writer hears of a breakage at once; a reader first gets what came before it.
    if (this.#broken !== undefined && (this.#unwritten !== undefined || this.#writeFailed)) return this.#fail()
    this.#deliver(receiver)
    if (this.#destroyed) return this.#closed ? undefined : this.#close()
    if (this.#ended && this.#finished) return this.#closeOrderly()
    if (this.#broken !== undefined && !this.#ended && this.#flowing && this.endpoint.readableBytes === 0) this.#fail()
  }

  #deliver(receiver: Transport.StreamReceiver): void {
    while (this.#flowing && !this.#destroyed) {
      const chunk = this.endpoint.read()
      if (chunk === undefined) break
      this.#copied = this.endpoint.hasCopied ? chunk : undefined
      const goesOn = receiver.onData(chunk)
      this.#copied = undefined
      // Another may have it by now, who has asked for more and hears of it by a task of its own.
      if (receiver !== this.#receiver) return this.endpoint.announceRoom()
      if (!goesOn) this.#flowing = false
    }
    this.endpoint.announceRoom()
    if (this.#flowing && !this.#destroyed && !this.#ended && this.endpoint.isAtEnd) {
      this.#ended = true
      receiver.onEnd()
    }
  }

  #fail(): void {
    const receiver = this.#receiver!
    const broken = this.#broken!
    this.#destroyed = true
    const writing = this.#unwritten !== undefined || this.#writeFailed
    receiver.onError(this.#error(writing ? "write" : "read", broken))
    this.#close()
  }

  #error(operation: NetworkError.Operation, breakage: Breakage): NetworkError.NetworkError {
    return systemError(operation, formatPeer(this.remoteAddress), breakage, operation)
  }

  #closeOrderly(): void {
    this.#destroyed = true
    this.endpoint.close()
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#table.descriptors.close(this)
    this.#unwritten = undefined
    this.#receiver?.onClose()
  }
}

const formatPeer = (address: NetAddress.SocketAddress): string =>
  NetAddress.isUnixPathAddress(address) ? `unix://${address.path}` : NetAddress.formatSocketAddress(address)
