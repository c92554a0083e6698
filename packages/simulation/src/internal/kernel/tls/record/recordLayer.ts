import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import type { Submit } from "../../tcp/stream.ts"
import { Refusal } from "../refusal.ts"
import { type Alert, encodeAlert } from "./alert.ts"
import * as Record from "./record.ts"

/** Who hears what comes in on a stream, record by record. */
export interface RecordReceiver {
  /** A record came, whose fragment is only lent for the call. May throw a `Refusal`. */
  readonly onRecord: (record: Record.TlsRecord) => void
  /** What came is no record, or was refused. Nothing more is delivered. */
  readonly onRefused: (refusal: Refusal) => void
  /** The peer's FIN came. */
  readonly onEnd: () => void
  /** What `write` left unfinished is on its way. */
  readonly onFlushed: () => void
  readonly onError: (error: NetworkError.NetworkError) => void
  readonly onClose: () => void
}

/** A stream as a way for records: first those of the handshake, then those of the program. */
export class RecordLayer implements Transport.StreamReceiver {
  readonly transport: Transport.StreamTransport
  readonly #submit: Submit
  readonly #reader = new Record.RecordReader()
  #receiver: RecordReceiver
  #paused = false
  #delivering = false
  #over = false
  // The transport has not taken all of a write, and the records behind it wait.
  #busy = false
  #waiting: Array<ReadonlyArray<Uint8Array>> = []

  constructor(transport: Transport.StreamTransport, submit: Submit, receiver: RecordReceiver) {
    this.transport = transport
    this.#submit = submit
    this.#receiver = receiver
  }

  /** Begins to deliver to a new owner of the transport. */
  start(): void {
    this.transport.start(this)
    this.transport.resume()
  }

  /** Continues with another receiver. */
  use(receiver: RecordReceiver): void {
    this.#receiver = receiver
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  /** Delivers nothing more until `resume`. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#submit(this.#goOn)
  }

  readonly #goOn = (): void => {
    this.#deliver()
    if (!this.#paused && !this.#over) this.transport.resume()
  }

  onData(chunk: Uint8Array): boolean {
    this.#reader.feed(chunk)
    this.#deliver()
    this.#reader.keepLast((lent) => this.transport.keep(lent))
    return !this.#paused && !this.#over
  }

  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    try {
      while (!this.#paused && !this.#over) {
        const record = this.#reader.next()
        if (record === undefined) break
        this.#receiver.onRecord(record)
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#receiver.onRefused(error)
    } finally {
      this.#delivering = false
    }
  }

  onEnd(): void {
    if (!this.#over) this.#receiver.onEnd()
  }

  onError(error: NetworkError.NetworkError): void {
    if (!this.#over) this.#receiver.onError(error)
  }

  onClose(): void {
    this.#receiver.onClose()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  /** Whether the transport has not taken everything yet. */
  get isBusy(): boolean {
    return this.#busy
  }

  /** Writes records. `false`: they are on their way at `onFlushed`. */
  write(records: ReadonlyArray<Uint8Array>): boolean {
    if (this.#busy) {
      this.#waiting.push(records)
      return false
    }
    this.#busy = !this.transport.write(records)
    return !this.#busy
  }

  onFlushed(): void {
    this.#busy = false
    while (!this.#busy && this.#waiting.length > 0) this.write(this.#waiting.shift()!)
    if (!this.#busy) this.#receiver.onFlushed()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Ending
  // -------------------------------------------------------------------------------------------------------------------

  /** Closes at once, after a last alert if one is given and there is room for it. */
  breakOff(alert?: Alert): void {
    this.#over = true
    if (alert !== undefined && !this.#busy) this.write(Record.encodeRecords(Record.alert, encodeAlert(alert)))
    this.transport.destroy()
  }
}
