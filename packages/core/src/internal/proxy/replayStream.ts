import type * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { ForwardedStream } from "./forwardedStream.ts"

/** A stream, and the events that nobody has received yet. */
export interface TakenOver {
  readonly beneath: Transport.StreamTransport
  readonly unread: ReadonlyArray<Uint8Array>
  readonly ended: boolean
  readonly error: NetworkError.NetworkError | undefined
}

/**
 * A stream that was started early, for an opening such as a PROXY header, and is started again for its real receiver.
 *
 * The opening's receiver gets all events until it lets go. The real receiver gets the bytes that the opening left unread,
 * then all later events, in order.
 */
export class ReplayStream extends ForwardedStream implements Transport.StreamReceiver {
  #receiver: Transport.StreamReceiver | undefined
  #unread: Array<Uint8Array> = []
  // The last answer of the receiver to a replayed chunk.
  #flowing = false
  #ended = false
  #error: NetworkError.NetworkError | undefined = undefined
  #closed = false

  constructor(beneath: Transport.StreamTransport, opening: Transport.StreamReceiver) {
    super(beneath)
    this.#receiver = opening
  }

  /** Starts the stream beneath. */
  begin(): void {
    this.beneath.start(this)
  }

  /** Leaves a chunk, which is lent for the call, to the next receiver. */
  leave(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#unread.push(this.beneath.keep(chunk))
  }

  /** Leaves the end of the input to the next receiver. */
  leaveEnd(): void {
    this.#ended = true
  }

  /** Ends the opening: nothing is delivered until the stream is started. */
  letGo(): void {
    this.#receiver = undefined
  }

  /** Hands over the stream beneath, with its unread bytes and its state. */
  takeOver(): TakenOver {
    const unread = this.#unread
    this.#unread = []
    return { beneath: this.beneath, unread, ended: this.#ended || this.#closed, error: this.#error }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // To the receiver
  // -------------------------------------------------------------------------------------------------------------------

  onData(chunk: Uint8Array): boolean {
    const receiver = this.#receiver
    if (receiver === undefined) {
      this.leave(chunk)
      return false
    }
    const goOn = receiver.onData(chunk)
    // The receiver may have let go, and another one may be there by now.
    return receiver === this.#receiver ? goOn : this.#flowing
  }

  onEnd(): void {
    if (this.#receiver !== undefined && this.#unread.length === 0) this.#receiver.onEnd()
    else this.#ended = true
  }

  onFlushed(): void {
    this.#receiver?.onFlushed()
  }

  onError(error: NetworkError.NetworkError): void {
    if (this.#receiver !== undefined) this.#receiver.onError(error)
    else this.#error = error
  }

  onClose(): void {
    if (this.#receiver !== undefined) this.#receiver.onClose()
    else this.#closed = true
  }

  // -------------------------------------------------------------------------------------------------------------------
  // As a stream
  // -------------------------------------------------------------------------------------------------------------------

  override start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
    this.#deliver(receiver)
    if (this.#error !== undefined) receiver.onError(this.#error)
    if (this.#closed) receiver.onClose()
  }

  override resume(): void {
    if (this.#receiver !== undefined) this.#deliver(this.#receiver)
  }

  #deliver(receiver: Transport.StreamReceiver): void {
    for (let chunk = this.#unread.shift(); chunk !== undefined; chunk = this.#unread.shift()) {
      this.#flowing = receiver.onData(chunk)
      if (!this.#flowing) return
    }
    this.#flowing = true
    if (this.#ended) {
      this.#ended = false
      receiver.onEnd()
    }
    this.beneath.resume()
  }
}
