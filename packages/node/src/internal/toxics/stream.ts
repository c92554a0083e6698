import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import { Line, type Shared } from "./line.ts"
import type { Verdict } from "./passage.ts"

// Bytes of one direction that wait. While there are more, the sender waits.
const waitingLimit = 1024 * 1024

/** An open stream with a bad network in front of it. */
export class ToxicStream<Beneath extends Transport.StreamTransport = Transport.StreamTransport>
  implements Transport.StreamTransport, Transport.StreamReceiver
{
  readonly #beneath: Beneath
  readonly #shared: Shared
  readonly #incoming: Line
  readonly #outgoing: Line
  #receiver: Transport.StreamReceiver | undefined = undefined
  // Whether the receiver takes data, and what waits for it to.
  #flowing = true
  #onFlowing: (() => void) | undefined = undefined
  // Whether the stream beneath waits for room, and the program too.
  #paused = false
  #blocked = false
  #onFlushed: (() => void) | undefined = undefined
  #onSent: (() => void) | undefined = undefined
  // A limit, or the program, has closed it: bytes are discarded from then on.
  #discards = false
  #ended = false
  #destroyWaits = false
  #gone = false
  #closed = false

  constructor(beneath: Beneath, shared: Shared) {
    this.#beneath = beneath
    this.#shared = shared
    const onVerdict = (verdict: Verdict) => this.#onVerdict(verdict)
    this.#incoming = new Line(shared, { write: this.#deliver, onRoom: () => this.#readOn(), onVerdict })
    this.#outgoing = new Line(shared, { write: this.#send, onRoom: () => this.#writeOn(), onVerdict })
  }

  get localAddress(): NetAddress.SocketAddress {
    return this.#beneath.localAddress
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return this.#beneath.remoteAddress
  }

  get tls(): Beneath["tls"] {
    return this.#beneath.tls
  }

  get unacknowledged(): Effect.Effect<number | undefined> | undefined {
    return this.#beneath.unacknowledged
  }

  get isSending(): boolean {
    return !this.#outgoing.isEmpty || this.#beneath.isSending === true
  }

  keep(chunk: Uint8Array): Uint8Array {
    return this.#beneath.keep(chunk)
  }

  dedicate(): boolean {
    return this.#beneath.dedicate()
  }

  /**
   * Hands the stream beneath to a handshake, once all that was written has been sent. What has come and was not delivered is
   * the beginning of the handshake.
   */
  surrender<A, E>(
    handshake: (beneath: Transport.StreamTransport, unread: Uint8Array | undefined) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> {
    this.#flowing = false
    const sent = Effect.callback<void>((resume) => {
      if (this.#outgoing.isEmpty) return resume(Effect.void)
      this.#onSent = () => resume(Effect.void)
      this.#outgoing.schedule(this.#onSent)
    })
    return Effect.flatMap(sent, () => {
      const unread = this.#incoming.clear()
      return handshake(this.#beneath, unread.length === 0 ? undefined : Bytes.concat(unread))
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Receiving
  // -------------------------------------------------------------------------------------------------------------------

  start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
    this.#beneath.start(this)
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#discards) return true
    if (this.#incoming.admits(chunk.length)) return this.#flowing = this.#receiver!.onData(chunk)
    this.#incoming.push(this.#beneath.keep(chunk))
    return !(this.#paused = this.#incoming.bytes > waitingLimit)
  }

  readonly #deliver = (part: Uint8Array): Effect.Effect<void> =>
    Effect.andThen(
      this.#whenFlowing,
      Effect.sync(() => {
        this.#flowing = this.#receiver!.onData(part)
      })
    )

  readonly #whenFlowing: Effect.Effect<void> = Effect.suspend(() =>
    this.#flowing ? Effect.void : Effect.callback((resume) => {
      this.#onFlowing = () => resume(Effect.void)
    })
  )

  resume(): void {
    this.#flowing = true
    const wake = this.#onFlowing
    this.#onFlowing = undefined
    if (wake !== undefined) return wake()
    if (!this.#paused) this.#beneath.resume()
  }

  #readOn(): void {
    if (!this.#paused || this.#incoming.bytes > waitingLimit) return
    this.#paused = false
    this.#beneath.resume()
  }

  onEnd(): void {
    if (!this.#discards) this.#happens(() => this.#receiver!.onEnd())
  }

  onError(error: NetworkError.NetworkError): void {
    this.#outgoing.clear()
    if (this.#discards) return
    // A reset overtakes what was not read yet.
    this.#incoming.clear()
    this.#gone = true
    this.#happens(() => this.#receiver!.onError(error))
  }

  onClose(): void {
    this.#gone = true
    this.#outgoing.clear()
    this.#onSent?.()
    if (this.#discards) this.#close()
    else this.#happens(() => this.#close())
  }

  // In order with the bytes, and as late as they are.
  #happens(event: () => void): void {
    if (this.#incoming.admits(0)) event()
    else this.#incoming.schedule(event)
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#receiver?.onClose()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Sending
  // -------------------------------------------------------------------------------------------------------------------

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    if (this.#discards || this.#gone) return true
    if (this.#outgoing.admits(chunks.reduce((sum, { length }) => sum + length, 0))) return this.#beneath.write(chunks)
    for (const chunk of chunks) this.#outgoing.push(chunk.slice())
    this.#blocked = this.#outgoing.bytes > waitingLimit
    return !this.#blocked
  }

  readonly #send = (part: Uint8Array): Effect.Effect<void> =>
    Effect.suspend(() =>
      this.#gone || this.#beneath.write([part]) ? Effect.void : Effect.callback((resume) => {
        this.#onFlushed = () => resume(Effect.void)
      })
    )

  onFlushed(): void {
    const wake = this.#onFlushed
    this.#onFlushed = undefined
    if (wake !== undefined) wake()
    else if (!this.#discards) this.#receiver!.onFlushed()
  }

  #writeOn(): void {
    if (!this.#blocked || this.#outgoing.bytes > waitingLimit) return
    this.#blocked = false
    this.#receiver!.onFlushed()
  }

  end(): void {
    if (this.#outgoing.admits(0)) this.#end()
    else this.#outgoing.schedule(() => this.#end())
  }

  #end(): void {
    if (this.#ended || this.#gone) return
    this.#ended = true
    this.#beneath.end()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Closing
  // -------------------------------------------------------------------------------------------------------------------

  /** What was written is still sent, as late as the toxics say. */
  destroy(): void {
    this.#discard()
    if (this.#outgoing.isEmpty) return this.#destroy()
    this.#destroyWaits = true
    this.#outgoing.schedule(() => this.#destroy())
  }

  #destroy(): void {
    if (!this.#gone) this.#beneath.destroy()
    else this.#closeLater()
  }

  reset(): void {
    this.#discard()
    this.#outgoing.clear()
    if (!this.#gone) this.#beneath.reset()
    else this.#closeLater()
  }

  #discard(): void {
    this.#discards = true
    this.#incoming.clear()
    if (this.#receiver !== undefined) this.#beneath.resume()
  }

  // The caller may be in the middle of something.
  #closeLater(): void {
    this.#shared.run(Effect.andThen(Effect.yieldNow, Effect.sync(() => this.#close())))
  }

  #onVerdict(verdict: Verdict): void {
    this.#discard()
    this.#outgoing.clear()
    if (this.#gone) return this.#close()
    if (verdict === "reset") {
      this.#beneath.reset()
      const reason = new NetworkError.ConnectionReset()
      return this.#receiver!.onError(NetworkError.make("read", Transport.formatPeer(this), reason))
    }
    this.#end()
    if (this.#destroyWaits) return this.#beneath.destroy()
    this.#receiver!.onEnd()
    if (this.#blocked) {
      this.#blocked = false
      this.#receiver!.onFlushed()
    }
  }
}
