import { byteLength } from "@sluice/framing/Chunks"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import type { Gone } from "./receiveQueue.ts"
import type { Activity } from "./traffic.ts"

/** Called once when a write is done, with the error if it failed. */
export interface Writer {
  readonly onWritten: (error: NetworkError.NetworkError | undefined) => void
}

/** A writer that nobody waits for. */
export const nobody: Writer = { onWritten: () => {} }

interface Write {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly writer: Writer
  // How far the chunks have been handed over.
  index: number
  offset: number
}

// Large writes are handed over in slices, so that progress is visible.
const sliceBytes = 256 * 1024

// Stands in the queue for the FIN.
const fin: ReadonlyArray<Uint8Array> = []

/**
 * The output of a connection: the writes in order, and the writers that wait for them.
 *
 * One write is with the transport at a time. The others are not begun before it is done, so that writes do not
 * interleave and a waiting one can be withdrawn. A write that has begun is completed even if its writer is gone, because
 * half of it may be sent.
 */
export class SendQueue {
  #transport: Transport.StreamTransport
  readonly #activity: Activity
  // "ended": FIN is sent or queued, and nothing is written behind it.
  #state: "open" | "ended" | "failed" = "open"
  // "suspended": the transport is lent, and what is written waits.
  #progress: "idle" | "writing" | "suspended" = "idle"
  // The write that the transport has while `#progress` is "writing".
  #current: Write | undefined = undefined
  #queue: Array<Write> | undefined = undefined
  #gone: Gone | undefined = undefined

  constructor(transport: Transport.StreamTransport, activity: Activity) {
    this.#transport = transport
    this.#activity = activity
  }

  /** Whether FIN is sent or queued. */
  get isEnded(): boolean {
    return this.#state === "ended"
  }

  /** Why nothing can be written, once the connection is gone. */
  get failure(): NetworkError.NetworkError | undefined {
    return this.#gone?.failureOf("write")
  }

  /** Whether what is written now would have to wait. */
  get isWaiting(): boolean {
    return this.#progress !== "idle" || this.#activity.bypass?.isWriting === true
  }

  /** Stops writing: the transport is lent. Writes wait for `swapTransport`. */
  suspend(): void {
    this.#progress = "suspended"
  }

  /** Continues on another transport, with the writes that have waited. */
  swapTransport(transport: Transport.StreamTransport): void {
    this.#transport = transport
    this.#progress = "idle"
    this.#drainQueue([])
  }

  /** Writes. `true`: done, and the writer is not called. */
  write(chunks: ReadonlyArray<Uint8Array>, writer: Writer): boolean {
    if (this.#progress !== "idle") {
      ;(this.#queue ??= []).push({ chunks, writer, index: 0, offset: 0 })
      return false
    }
    // Nearly every write is small and taken at once: it needs no record.
    const size = byteLength(chunks)
    if (size <= sliceBytes && chunks !== fin) {
      this.#activity.sent(size)
      if (this.#transport.write(chunks)) return true
      this.#begin({ chunks, writer, index: chunks.length, offset: 0 })
    } else {
      const write: Write = { chunks, writer, index: 0, offset: 0 }
      if (this.#advance(write)) return true
      this.#begin(write)
    }
    this.#activity.writeBegins()
    return false
  }

  /** Sends FIN once everything written is sent. `true`: sent, and the writer is not called. */
  end(writer: Writer): boolean {
    if (this.#state !== "open") return true
    this.#state = "ended"
    return this.write(fin, writer)
  }

  /** Removes a write that has not begun. A write that has begun is completed, and its writer is still called. */
  withdraw(writer: Writer): void {
    this.#queue = this.#queue?.filter((write) => write.writer !== writer)
  }

  onFlushed(): void {
    const current = this.#current
    if (current === undefined || !this.#advance(current)) return
    this.#current = undefined
    this.#progress = "idle"
    this.#drainQueue([current])
  }

  #begin(write: Write): void {
    this.#current = write
    this.#progress = "writing"
  }

  // Hands over the writes that wait, and then calls the writers of the writes that are done.
  #drainQueue(done: Array<Write>): void {
    while (this.#progress === "idle") {
      const next = this.#queue?.shift()
      if (next === undefined) {
        this.#queue = undefined
        break
      }
      if (this.#advance(next)) done.push(next)
      else this.#begin(next)
    }
    this.#activity.writeBegins()
    for (const write of done) write.writer.onWritten(undefined)
  }

  /** Refuses further writes: the connection is gone. Waiting writes are told by `giveUp`. */
  fail(gone: Gone): void {
    this.#gone ??= gone
    if (this.#state === "open") this.#state = "failed"
  }

  /** Tells the writers that wait why the connection is gone. */
  giveUp(gone: Gone): void {
    const current = this.#current
    const queue = this.#queue
    this.#current = undefined
    if (this.#progress === "writing") this.#progress = "idle"
    this.#queue = undefined
    current?.writer.onWritten(gone.failureOf("write"))
    if (queue !== undefined) { for (const write of queue) write.writer.onWritten(gone.failureOf("write")) }
  }

  // Hands over what the transport takes; answers whether that was all of the write.
  #advance(write: Write): boolean {
    if (write.chunks === fin) {
      this.#transport.end()
      return true
    }
    while (write.index < write.chunks.length) {
      const slice = nextSlice(write)
      this.#activity.sent(byteLength(slice))
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
