import * as Bytes from "../../Chunks.ts"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import type { Gone } from "./receiveQueue.ts"
import type { Activity } from "./traffic.ts"

/** Told when a write is done, with the error if it failed. */
export interface Writer {
  readonly onWritten: (error: NetworkError.NetworkError | undefined) => void
}

interface Write {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly writer: Writer
  // How far the chunks have been handed over.
  index: number
  offset: number
}

// Large writes are handed over in slices, so that progress shows, and a stalled peer is told apart from a slow one.
const sliceBytes = 256 * 1024

const end: ReadonlyArray<Uint8Array> = []

/**
 * What is to be sent on a connection, in order, and who waits for it.
 *
 * One write is with the system at a time; others wait their turn and are not begun before, so that they do not
 * interleave and can still be withdrawn. A write that has begun is finished even if nobody waits for it any more: half
 * of it may be on its way.
 */
export class Output {
  #transport: Transport.StreamTransport
  readonly #activity: Activity
  #current: Write | undefined = undefined
  #queue: Array<Write> = []
  #gone: Gone | undefined = undefined
  #held = false
  ended = false

  constructor(transport: Transport.StreamTransport, activity: Activity) {
    this.#transport = transport
    this.#activity = activity
  }

  get failure(): NetworkError.NetworkError | undefined {
    return this.#gone?.failureOf("write")
  }

  get isWaiting(): boolean {
    return this.#current !== undefined || this.#held
  }

  /** Lets what is written wait until there is another transport: this one is somebody else's. */
  hold(): void {
    this.#held = true
  }

  /** Goes on with another transport. */
  use(transport: Transport.StreamTransport): void {
    this.#transport = transport
  }

  /** Writes what has waited. */
  release(): void {
    this.#held = false
    this.#goOn([])
  }

  /** Writes. `true`: it is done, and the writer is not told. */
  write(chunks: ReadonlyArray<Uint8Array>, writer: Writer): boolean {
    if (this.isWaiting) {
      this.#queue.push({ chunks, writer, index: 0, offset: 0 })
      return false
    }
    // Nearly every write is small and taken at once: it needs no record.
    const size = Bytes.byteLength(chunks)
    if (size <= sliceBytes && chunks !== end) {
      this.#activity.sent(size)
      if (this.#transport.write(chunks)) return true
      this.#current = { chunks, writer, index: chunks.length, offset: 0 }
    } else {
      const write: Write = { chunks, writer, index: 0, offset: 0 }
      if (this.#advance(write)) return true
      this.#current = write
    }
    this.#activity.writeBegins()
    return false
  }

  /** Sends FIN once everything written is sent. `true`: it is sent, and the writer is not told. */
  end(writer: Writer): boolean {
    if (this.ended) return true
    this.ended = true
    return this.write(end, writer)
  }

  /** Takes back a write that has not begun; one that has is finished in silence. */
  withdraw(writer: Writer): void {
    this.#queue = this.#queue.filter((write) => write.writer !== writer)
  }

  onFlushed(): void {
    const current = this.#current
    if (current === undefined || !this.#advance(current)) return
    this.#current = undefined
    this.#goOn([current])
  }

  #goOn(finished: Array<Write>): void {
    while (this.#current === undefined && this.#queue.length > 0) {
      const next = this.#queue.shift()!
      if (this.#advance(next)) finished.push(next)
      else this.#current = next
    }
    this.#activity.writeBegins()
    for (const write of finished) write.writer.onWritten(undefined)
  }

  /** The connection is gone: nothing can be written from now on. */
  refuse(gone: Gone): void {
    this.#gone ??= gone
  }

  /** Tells those who wait that the connection is gone. */
  giveUp(gone: Gone): void {
    const waiting = this.#current === undefined ? this.#queue : [this.#current, ...this.#queue]
    this.#current = undefined
    this.#queue = []
    for (const write of waiting) write.writer.onWritten(gone.failureOf("write"))
  }

  // Hands over what it can; whether all of the write is on its way.
  #advance(write: Write): boolean {
    if (write.chunks === end) {
      this.#transport.end()
      return true
    }
    while (write.index < write.chunks.length) {
      const slice = nextSlice(write)
      this.#activity.sent(Bytes.byteLength(slice))
      if (!this.#transport.write(slice)) return false
    }
    return true
  }
}

const nextSlice = (write: Write): ReadonlyArray<Uint8Array> => {
  const { chunks } = write
  const slice: Array<Uint8Array> = []
  let room = sliceBytes
  while (room > 0 && write.index < chunks.length) {
    const chunk = chunks[write.index]!
    const part = chunk.subarray(write.offset, write.offset + room)
    slice.push(part)
    room -= part.length
    write.offset += part.length
    if (write.offset === chunk.length) {
      write.index++
      write.offset = 0
    }
  }
  return slice
}
