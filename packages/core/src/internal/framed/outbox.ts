import type { Encoder } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import type * as Scheduler from "effect/Scheduler"
import type * as Framed from "../../Framed.ts"
import type * as NetworkError from "../../NetworkError.ts"
import { nobody } from "../connection/sendQueue.ts"
import type { ConnectionState } from "../connection/state.ts"
import { writeAll } from "../connection/writing.ts"

/** Messages are gathered up to this many bytes before they are sent. */
const largestFlush = 64 * 1024

/** The messages that are encoded and not yet written, so that those of one turn leave with one write. */
export class Outbox<in Out> implements Framed.Outbox<Out> {
  readonly connection: ConnectionState
  readonly encoder: Encoder<Out>
  #flushedTo: number
  #isScheduled = false
  // Made when first needed: few servers need it.
  #flush: Effect.Effect<void, NetworkError.NetworkError> | undefined = undefined

  constructor(connection: ConnectionState, encoder: Encoder<Out>) {
    this.connection = connection
    this.encoder = encoder
    this.#flushedTo = encoder.offset
  }

  get offset(): number {
    return this.encoder.offset
  }

  get isFull(): boolean {
    return this.encoder.offset - this.#flushedTo >= largestFlush
  }

  get flushedTo(): number {
    return this.#flushedTo
  }

  get isEmpty(): boolean {
    return this.encoder.offset === this.#flushedTo
  }

  /** Whether everything is written or scheduled to be written. */
  get isCovered(): boolean {
    return this.#isScheduled || this.isEmpty
  }

  add(message: Out): FramingError | undefined {
    return this.encoder.encode(message)
  }

  /** Takes out what is to be written, without empty chunks. */
  take(): Array<Uint8Array> {
    this.#flushedTo = this.encoder.offset
    return this.encoder.drain().filter((chunk) => chunk.length > 0)
  }

  get flush(): Effect.Effect<void, NetworkError.NetworkError> {
    return this.#flush ??= Effect.suspend(() => this.isEmpty ? Effect.void : writeAll(this.connection, this.take()))
  }

  flushSoon(dispatcher: Scheduler.SchedulerDispatcher): void {
    if (this.isCovered) return
    this.#isScheduled = true
    dispatcher.scheduleTask(() => {
      this.#isScheduled = false
      this.flushNow()
    }, 0)
  }

  /** Writes everything. If the connection is gone, its next operation fails. */
  flushNow(): void {
    if (this.isEmpty) return
    const chunks = this.take()
    if (this.connection.refusal === undefined) this.connection.output.write(chunks, nobody)
  }
}
