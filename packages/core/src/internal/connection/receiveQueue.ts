import * as Bytes from "../../Chunks.ts"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import type { Activity } from "./traffic.ts"

/** Knows why a connection is gone. */
export interface Gone {
  readonly failureOf: (operation: "read" | "write") => NetworkError.NetworkError
}

/** Gets one chunk, or nothing at the end, or the error. */
export type Reader = (chunk: Uint8Array | undefined, error: NetworkError.NetworkError | undefined) => void

/** Gets every chunk while it is attached, each lent for the call, and answers whether it can take more now. */
export interface Consumer {
  readonly onChunk: (chunk: Uint8Array) => boolean
  readonly onEnd: () => void
  readonly onError: (error: NetworkError.NetworkError) => void
}

/**
 * What has come in on a connection, and who waits for it.
 *
 * At most one chunk is read ahead of the readers: enough to learn of the peer's end while nobody reads, and so little
 * that a reader that stops soon stops the writer at the other end.
 */
export class Input {
  #transport: Transport.StreamTransport
  readonly #activity: Activity
  readonly #pending: Array<Uint8Array> = []
  #pendingBytes = 0
  // Whoever waits for a chunk: mostly one reader, and then the queue stays empty.
  #reader: Reader | undefined = undefined
  #readerQueue: Array<Reader> = []
  #growers: Array<Reader> = []
  #consumer: Consumer | undefined = undefined
  // The consumer that still uses the chunk lent to it: nothing may be delivered meanwhile.
  #holder: Consumer | undefined = undefined
  #flowing = true
  #discarding = false
  #gone: Gone | undefined = undefined
  ended = false

  constructor(transport: Transport.StreamTransport, activity: Activity) {
    this.#transport = transport
    this.#activity = activity
  }

  /** Bytes that have come and have not been taken. */
  get available(): number {
    return this.#pendingBytes
  }

  get isWaiting(): boolean {
    return !this.#isOver && this.#flowing && this.#isAwaited
  }

  get #isAwaited(): boolean {
    return this.#reader !== undefined || this.#growers.length > 0 || this.#consumer !== undefined
  }

  /** Asks the transport for nothing until there is another: it is somebody else's. */
  hold(): void {
    this.#flowing = true
  }

  /** Goes on with another transport, which is about to deliver. */
  use(transport: Transport.StreamTransport): void {
    this.#transport = transport
  }

  onData(chunk: Uint8Array): boolean {
    this.#activity.received(chunk.length)
    return this.#flowing = this.#discarding || this.#deliver(chunk)
  }

  #deliver(chunk: Uint8Array): boolean {
    if (this.#growers.length > 0) {
      this.#keep(chunk)
      const growers = this.#growers
      this.#growers = []
      for (const grower of growers) grower(undefined, undefined)
      this.#serve()
      return this.#wantsMore()
    }
    if (this.#reader !== undefined) {
      const reader = this.#reader
      this.#reader = this.#readerQueue.shift()
      reader(this.#transport.keep(chunk), undefined)
      return this.#wantsMore()
    }
    if (this.#consumer !== undefined) return this.#give(this.#consumer, chunk)
    this.#keep(chunk)
    return false
  }

  // Whoever waits for a chunk gets what those who gather have left over.
  #serve(): void {
    while (this.#reader !== undefined && this.#growers.length === 0 && this.#pending.length > 0) {
      const reader = this.#reader
      this.#reader = this.#readerQueue.shift()
      reader(this.poll(), undefined)
    }
  }

  #give(consumer: Consumer, chunk: Uint8Array): boolean {
    const ready = consumer.onChunk(chunk)
    if (!ready) this.#holder = consumer
    else if (this.#holder === consumer) this.#holder = undefined
    return ready
  }

  #keep(chunk: Uint8Array): void {
    this.#pending.push(this.#transport.keep(chunk))
    this.#pendingBytes += chunk.length
  }

  #wantsMore(): boolean {
    return this.#pending.length === 0 || this.#reader !== undefined || this.#growers.length > 0
  }

  #flow(): void {
    if (this.#flowing || this.#holder !== undefined || (this.#isOver && !this.#discarding)) return
    this.#flowing = true
    this.#transport.resume()
  }

  onEnd(): void {
    if (this.ended || this.#gone !== undefined) return
    this.ended = true
    this.#wakeAll(undefined)
  }

  /** The connection broke. What came before stays readable, and an end that came before stays an end. */
  fail(gone: Gone): void {
    if (this.#isOver) return
    this.#gone = gone
    this.#wakeAll(gone)
  }

  /** This side reads no more: throws away what is there and what comes. Only an end that was reached stays an end. */
  close(gone: Gone): void {
    const isAtEnd = this.ended && this.#pending.length === 0
    this.#pending.length = 0
    this.#pendingBytes = 0
    this.#discarding = true
    if (!isAtEnd) {
      this.ended = false
      this.#gone ??= gone
      this.#wakeAll(this.#gone)
    }
    this.#flow()
  }

  #wakeAll(gone: Gone | undefined): void {
    const readers = [...this.#growers, this.#reader, ...this.#readerQueue]
    const consumer = this.#consumer
    this.#growers = []
    this.#reader = undefined
    this.#readerQueue = []
    this.#consumer = undefined
    for (const reader of readers) reader?.(undefined, gone?.failureOf("read"))
    if (gone === undefined) consumer?.onEnd()
    else consumer?.onError(gone.failureOf("read"))
  }

  /** Takes the chunk that is there, if one is. */
  poll(): Uint8Array | undefined {
    const chunk = this.#pending.shift()
    if (chunk !== undefined) {
      this.#pendingBytes -= chunk.length
      if (this.#pending.length === 0) this.#flow()
    }
    return chunk
  }

  /** Waits for one chunk. */
  take(reader: Reader): void {
    const chunk = this.poll()
    if (chunk !== undefined || this.#isOver) return reader(chunk, chunk === undefined ? this.#error : undefined)
    this.#activity.readBegins()
    if (this.#reader === undefined) this.#reader = reader
    else this.#readerQueue.push(reader)
    this.#flow()
  }

  /** Waits until more has come than there is, or the end; takes nothing. */
  grow(reader: Reader): void {
    if (this.#isOver) return reader(undefined, this.#error)
    this.#activity.readBegins()
    this.#growers.push(reader)
    this.#flow()
  }

  /** The reader does not wait any longer. */
  forget(reader: Reader): void {
    if (this.#growers.includes(reader)) {
      this.#growers = this.#growers.filter((each) => each !== reader)
      this.#serve()
    }
    if (this.#reader === reader) this.#reader = this.#readerQueue.shift()
    else this.#readerQueue = this.#readerQueue.filter((each) => each !== reader)
  }

  /** Whether a consumer has the input. */
  get isTaken(): boolean {
    return this.#consumer !== undefined
  }

  /** Gives everything to a consumer, what is there first. */
  attach(consumer: Consumer): void {
    this.#consumer = consumer
    let ready = true
    while (ready && this.#pending.length > 0) {
      const chunk = this.#pending.shift()!
      this.#pendingBytes -= chunk.length
      ready = this.#give(consumer, chunk)
      // It may have had enough, and another may be there by now.
      if (this.#consumer !== consumer) return
    }
    if (this.#pending.length === 0 && this.#isOver) {
      this.#consumer = undefined
      const error = this.#error
      return error === undefined ? consumer.onEnd() : consumer.onError(error)
    }
    this.#activity.readBegins()
    this.#flow()
  }

  /** The consumer has no use for the chunk it was given: whoever reads next gets it. */
  unread(chunk: Uint8Array): void {
    this.#pending.unshift(this.#transport.keep(chunk))
    this.#pendingBytes += chunk.length
  }

  /** The consumer can take more. */
  goOn(consumer: Consumer): void {
    if (this.#holder === consumer) this.#holder = undefined
    if (this.#consumer === consumer) this.attach(consumer)
  }

  /** The consumer wants no more. What was lent to it stays in use until it is released. */
  detach(consumer: Consumer): void {
    if (this.#consumer === consumer) this.#consumer = undefined
    if (this.#isAwaited) this.#flow()
  }

  /** What was lent to the consumer is no longer in use. */
  release(consumer: Consumer): void {
    if (this.#holder === consumer) this.#holder = undefined
    if (this.#discarding || this.#isAwaited) this.#flow()
  }

  /** Takes exactly `count` bytes of those available. */
  takeBytes(count: number): Uint8Array {
    const taken = Bytes.takeFrom(this.#pending, count)
    this.#pendingBytes -= count
    if (this.#pending.length === 0) this.#flow()
    else this.#serve()
    return taken
  }

  /** Where the delimiter begins in the bytes available, from `start` on, or -1. */
  indexOf(delimiter: Uint8Array, start: number): number {
    return Bytes.indexOf(this.#pending, delimiter, start)
  }

  get #isOver(): boolean {
    return this.ended || this.#gone !== undefined
  }

  get #error(): NetworkError.NetworkError | undefined {
    return this.#gone?.failureOf("read")
  }
}
