import type * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { ByteQueue } from "../bytes/byteQueue.ts"
import type { Activity } from "./traffic.ts"

// Shared by all queues without readers, and by those without input: nothing is put into it.
const none: ReadonlyArray<never> = []
const nothing = new ByteQueue()

/** A connection that is gone. It makes its error on demand, because an Error records its stack. */
export interface Gone {
  readonly failureOf: (operation: "read" | "write") => NetworkError.NetworkError
}

/** Gets one chunk, or nothing at the end, or the error. */
export type Reader = (chunk: Uint8Array | undefined, error: NetworkError.NetworkError | undefined) => void

/**
 * Gets every chunk while it is attached. A chunk is lent: for the call of `onChunk` if that answers `true`, or until
 * `resumeConsumer` or `release` if it answers `false`.
 */
export interface Consumer {
  readonly onChunk: (chunk: Uint8Array) => boolean
  readonly onEnd: () => void
  readonly onError: (error: NetworkError.NetworkError) => void
}

/**
 * The input of a connection: the bytes that have arrived, and the readers that wait for more.
 *
 * At most one chunk is read ahead of the readers. That is enough to learn of the peer's end while nobody reads, and a
 * reader that stops soon stops the writer at the other end.
 */
export class ReceiveQueue {
  #transport: Transport.StreamTransport
  readonly #activity: Activity
  // "ended": the peer's FIN. "failed": the connection broke; what came before stays readable. "closed": this side reads
  // no more, and what still comes is discarded.
  #state: "open" | "ended" | "failed" | "closed" = "open"
  // "suspended": the transport is lent, and is not asked for anything.
  #delivery: "flowing" | "paused" | "suspended" = "flowing"
  // Its own as soon as something waits in it.
  #pending = nothing
  // Input of the handshake: unread when the transport was lent, or received since. Readers do not get it.
  #early: ByteQueue | undefined = undefined
  // The readers of a chunk: mostly one, and then the queue stays empty.
  #reader: Reader | undefined = undefined
  #readerQueue: ReadonlyArray<Reader> = none
  // The readers that gather bytes in `#pending`.
  #gatherers: ReadonlyArray<Reader> = none
  #consumer: Consumer | undefined = undefined
  // The consumer that still uses the chunk lent to it. Nothing is delivered meanwhile.
  #borrower: Consumer | undefined = undefined
  #gone: Gone | undefined = undefined
  // The transport is not asked for anything, although a reader may wait.
  #isThrottled = false

  constructor(transport: Transport.StreamTransport, activity: Activity) {
    this.#transport = transport
    this.#activity = activity
  }

  /** How many bytes have arrived and have not been taken. */
  get available(): number {
    return this.#pending.length
  }

  /** Whether the peer has ended and this side has not closed before it read that. */
  get isEnded(): boolean {
    return this.#state === "ended"
  }

  /** Whether a reader waits for the peer. */
  get isWaiting(): boolean {
    const { bypass } = this.#activity
    if (bypass !== undefined) return bypass.isReading
    return this.#state === "open" && this.#delivery !== "paused" && this.isAwaited
  }

  /** Whether a consumer has the input. */
  get isTaken(): boolean {
    return this.#consumer !== undefined
  }

  // Private methods, because V8 calls private getters by way of its runtime.
  #isSuspended(): boolean {
    return this.#delivery === "suspended"
  }

  /** Whether a reader or a consumer waits for input. */
  get isAwaited(): boolean {
    return this.#reader !== undefined || this.#gatherers.length > 0 || this.#consumer !== undefined
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The transport
  // -------------------------------------------------------------------------------------------------------------------

  /** Stops asking the transport for input: it is lent. Unread and further input is for `takeEarly`. */
  suspend(): void {
    this.#delivery = "suspended"
    this.#early = this.#filling()
    this.#pending = nothing
  }

  /** Takes the input that belongs to the handshake. */
  takeEarly(): Uint8Array | undefined {
    return this.#early?.length ? this.#early.take(this.#early.length) : undefined
  }

  /** Continues on another transport, which is about to deliver. */
  swapTransport(transport: Transport.StreamTransport): void {
    this.#transport = transport
    this.#delivery = "flowing"
  }

  /** Reads nothing until `restore`. Called when a chunk was delivered. */
  throttle(): void {
    this.#isThrottled = true
    if (this.#delivery === "flowing") this.#delivery = "paused"
  }

  restore(): void {
    if (!this.#isThrottled) return
    this.#isThrottled = false
    if (this.#state === "closed" || this.isAwaited) this.#resumeDelivery()
  }

  onData(chunk: Uint8Array): boolean {
    this.#activity.received(chunk.length)
    if (this.#isSuspended()) {
      this.#early?.push(chunk, this.#transport)
      return false
    }
    const wantsMore = this.#state === "closed" || this.#deliver(chunk)
    // A reader may have begun an upgrade.
    if (!this.#isSuspended()) this.#delivery = wantsMore ? "flowing" : "paused"
    return wantsMore
  }

  #deliver(chunk: Uint8Array): boolean {
    if (this.#gatherers.length > 0) {
      this.#filling().push(chunk, this.#transport)
      const gatherers = this.#gatherers
      this.#gatherers = none
      for (const gatherer of gatherers) gatherer(undefined, undefined)
      this.#serveReaders()
      return this.#wantsMore()
    }
    if (this.#reader !== undefined) {
      const reader = this.#reader
      this.#nextReader()
      reader(this.#transport.keep(chunk), undefined)
      return this.#wantsMore()
    }
    // The transport delivers even while the consumer still uses a chunk that was put back.
    const isReady = this.#borrower === undefined && this.#pending.length === 0
    if (this.#consumer !== undefined && isReady) return this.#lend(this.#consumer, chunk)
    this.#filling().push(chunk, this.#transport)
    return false
  }

  #filling(): ByteQueue {
    return this.#pending === nothing ? (this.#pending = new ByteQueue()) : this.#pending
  }

  #nextReader(): void {
    this.#reader = this.#readerQueue[0]
    if (this.#reader !== undefined) this.#readerQueue = this.#readerQueue.slice(1)
  }

  // Gives the readers of a chunk what the gatherers have left over.
  #serveReaders(): void {
    while (this.#reader !== undefined && this.#gatherers.length === 0 && this.#pending.length > 0) {
      const reader = this.#reader
      this.#nextReader()
      reader(this.poll(), undefined)
    }
  }

  #lend(consumer: Consumer, chunk: Uint8Array): boolean {
    const isDone = consumer.onChunk(chunk)
    if (!isDone) this.#borrower = consumer
    else if (this.#borrower === consumer) this.#borrower = undefined
    return isDone
  }

  #wantsMore(): boolean {
    return this.#pending.length === 0 || this.#reader !== undefined || this.#gatherers.length > 0
  }

  #resumeDelivery(): void {
    if (this.#delivery !== "paused" || this.#borrower !== undefined || this.#isThrottled) return
    if (this.#state === "ended" || this.#state === "failed") return
    this.#delivery = "flowing"
    this.#transport.resume()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The end
  // -------------------------------------------------------------------------------------------------------------------

  onEnd(): void {
    if (this.#state !== "open") return
    this.#state = "ended"
    this.#wakeAll(undefined)
  }

  /** The connection broke. What came before stays readable, and an end that came before stays an end. */
  fail(gone: Gone): void {
    if (this.#state !== "open") return
    this.#state = "failed"
    this.#gone = gone
    this.#wakeAll(gone)
  }

  /** This side reads no more: discards what is here and what comes. Only an end that was reached stays an end. */
  close(gone: Gone): void {
    const isAtEnd = this.#state === "ended" && this.#pending.length === 0
    if (isAtEnd) return
    this.#pending.clear()
    this.#isThrottled = false
    this.#state = "closed"
    this.#gone ??= gone
    this.#wakeAll(this.#gone)
    this.#resumeDelivery()
  }

  #wakeAll(gone: Gone | undefined): void {
    const gatherers = this.#gatherers
    const reader = this.#reader
    const readers = this.#readerQueue
    const consumer = this.#consumer
    this.#gatherers = none
    this.#reader = undefined
    this.#readerQueue = none
    this.#consumer = undefined
    for (const each of gatherers) each(undefined, gone?.failureOf("read"))
    reader?.(undefined, gone?.failureOf("read"))
    for (const each of readers) each(undefined, gone?.failureOf("read"))
    if (gone === undefined) consumer?.onEnd()
    else consumer?.onError(gone.failureOf("read"))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Readers
  // -------------------------------------------------------------------------------------------------------------------

  /** Takes the first chunk, if there is one. */
  poll(): Uint8Array | undefined {
    const chunk = this.#pending.shift()
    if (chunk !== undefined && this.#pending.length === 0) this.#resumeDelivery()
    return chunk
  }

  /** Waits for one chunk. */
  take(reader: Reader): void {
    const chunk = this.poll()
    if (chunk !== undefined || this.#state !== "open") {
      return reader(chunk, chunk === undefined ? this.#gone?.failureOf("read") : undefined)
    }
    this.#activity.readBegins()
    if (this.#reader === undefined) this.#reader = reader
    else this.#readerQueue = [...this.#readerQueue, reader]
    this.#resumeDelivery()
  }

  /** Waits until more bytes are available, or the end. It takes nothing. */
  gather(reader: Reader): void {
    if (this.#state !== "open") return reader(undefined, this.#gone?.failureOf("read"))
    this.#activity.readBegins()
    this.#gatherers = [...this.#gatherers, reader]
    this.#resumeDelivery()
  }

  /** Removes a reader that waits. */
  forget(reader: Reader): void {
    if (this.#gatherers.length > 0 && this.#gatherers.includes(reader)) {
      this.#gatherers = this.#gatherers.filter((each) => each !== reader)
      this.#serveReaders()
    }
    if (this.#reader === reader) this.#nextReader()
    else if (this.#readerQueue.length > 0) this.#readerQueue = this.#readerQueue.filter((each) => each !== reader)
  }

  /** Takes exactly `count` bytes of those available. */
  takeBytes(count: number): Uint8Array {
    const taken = this.#pending.take(count)
    if (this.#pending.length === 0) this.#resumeDelivery()
    else this.#serveReaders()
    return taken
  }

  /** A copy of the first `count` available bytes, which stay unread. */
  copyBytes(count: number): Uint8Array {
    return this.#pending.copy(count)
  }

  /** Where the delimiter begins in the bytes available, from `start` on, or -1. */
  indexOf(delimiter: Uint8Array, start: number): number {
    return this.#pending.indexOf(delimiter, start)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The consumer
  // -------------------------------------------------------------------------------------------------------------------

  /** Gives everything to a consumer, what is here first. */
  attach(consumer: Consumer): void {
    this.#consumer = consumer
    let isReady = true
    while (isReady && this.#pending.length > 0) {
      isReady = this.#lend(consumer, this.#pending.shift()!)
      // It may have detached itself, and another may be attached by now.
      if (this.#consumer !== consumer) return
    }
    if (this.#pending.length === 0 && this.#state !== "open") {
      this.#consumer = undefined
      const error = this.#gone?.failureOf("read")
      return error === undefined ? consumer.onEnd() : consumer.onError(error)
    }
    this.#activity.readBegins()
    this.#resumeDelivery()
  }

  /** Puts an unused chunk, which must not be lent, in front of the input. Returns false if the input is closed. */
  unread(chunk: Uint8Array): boolean {
    if (this.#state === "closed") return false
    if (chunk.length > 0) this.#filling().unshift(chunk)
    return true
  }

  /** The consumer is done with the chunk lent to it, and takes the next. */
  resumeConsumer(consumer: Consumer): void {
    if (this.#borrower === consumer) this.#borrower = undefined
    if (this.#consumer === consumer) this.attach(consumer)
  }

  /** The consumer wants no more. A chunk lent to it stays in use until `release`. */
  detach(consumer: Consumer): void {
    if (this.#consumer === consumer) this.#consumer = undefined
    if (this.isAwaited) this.#resumeDelivery()
  }

  /** The consumer wants no more, and is done with the chunk lent to it. */
  leave(consumer: Consumer): void {
    this.detach(consumer)
    this.release(consumer)
  }

  /** The consumer is done with the chunk lent to it. */
  release(consumer: Consumer): void {
    if (this.#borrower === consumer) this.#borrower = undefined
    if (this.#state === "closed" || this.isAwaited) this.#resumeDelivery()
  }
}
