import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import { PeerAlert, Truncated } from "@sluice/core/TlsReason"
import * as Transport from "@sluice/core/Transport"
import type * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import { expectMessage } from "./handshake/agreement.ts"
import type { Agreement } from "./handshake/handshake.ts"
import { MessageReader } from "./handshake/message.ts"
import { type Alert, decodeAlert, encodeAlert } from "./record/alert.ts"
import * as Record from "./record/record.ts"
import type { RecordLayer, RecordReceiver } from "./record/recordLayer.ts"
import { type Refusal, violation } from "./refusal.ts"
import type { TlsHost } from "./stack.ts"

/** A stream whose handshake is done, as a transport: what is written goes in records, and what comes is taken out. */
export class SecureStream implements Transport.SecureTransport, RecordReceiver {
  readonly tls: Tls.Session
  readonly #host: TlsHost
  readonly #layer: RecordLayer
  readonly #transport: Transport.StreamTransport
  readonly #onTicket: Agreement["onTicket"]
  readonly #messages = new MessageReader()
  readonly #outgoing = new Record.Protection()
  readonly #incoming = new Record.Protection()
  #receiver: Transport.StreamReceiver | undefined = undefined
  #error: NetworkError.NetworkError | undefined = undefined
  #closed = false
  #peerEnded = false
  #writing = false
  // `close_notify` waits for room, and what was to follow it waits with it.
  #endWaits = false
  #ended = false
  #destroyWaits = false

  constructor(host: TlsHost, layer: RecordLayer, { onTicket, session }: Agreement) {
    this.tls = session
    this.#host = host
    this.#layer = layer
    this.#transport = layer.transport
    this.#onTicket = onTicket
  }

  get localAddress(): NetAddress.SocketAddress {
    return this.#transport.localAddress
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return this.#transport.remoteAddress
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the program does
  // -------------------------------------------------------------------------------------------------------------------

  start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
    // It may be over already.
    if (this.#error !== undefined) receiver.onError(this.#error)
    if (this.#closed) receiver.onClose()
    else this.#layer.resume()
  }

  resume(): void {
    this.#layer.resume()
  }

  keep(chunk: Uint8Array): Uint8Array {
    return this.#transport.keep(chunk)
  }

  dedicate(): boolean {
    return this.#transport.dedicate()
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    const records = this.#outgoing.seal(chunks)
    if (this.#host.tlsFault === "corrupt") records[0]![Record.headerLength]! ^= 1
    this.#writing = !this.#layer.write(records)
    return !this.#writing
  }

  get isSending(): boolean {
    return this.#layer.isBusy
  }

  get unacknowledged(): Effect.Effect<number | undefined> | undefined {
    return this.#transport.unacknowledged
  }

  end(): void {
    if (this.#sayGoodbye()) this.#sendFin()
    else this.#endWaits = true
  }

  // Whether it is on its way.
  #sayGoodbye(): boolean {
    if (this.#host.tlsFault === "truncate") return true
    return this.#layer.write(Record.encodeRecords(Record.alert, encodeAlert("close_notify")))
  }

  #sendFin(): void {
    this.#ended = true
    this.#transport.end()
    if (this.#peerEnded) this.#transport.destroy()
  }

  destroy(): void {
    const isInUse = this.#receiver !== undefined && this.#error === undefined && !this.#closed
    if (isInUse && !this.#ended && !this.#endWaits && !this.isSending) this.#endWaits = !this.#sayGoodbye()
    // What was written is still sent, and its end is part of it.
    if (this.#endWaits) this.#destroyWaits = true
    else this.#transport.destroy()
  }

  reset(): void {
    this.#transport.reset()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the peer does
  // -------------------------------------------------------------------------------------------------------------------

  onRecord({ fragment, type }: Record.TlsRecord): void {
    // What comes behind the end is ignored (RFC 8446, section 6.1).
    if (this.#peerEnded) return
    if (type === Record.applicationData) return this.#onData(this.#incoming.open(fragment))
    if (type === Record.alert) return this.#onAlert(fragment)
    this.#messages.feed(fragment)
    for (let next = this.#messages.next(); next !== undefined; next = this.#messages.next()) {
      const { ticket } = expectMessage(next.message, "NewSessionTicket")
      if (this.#onTicket === undefined) throw violation("unexpected_message", "a ticket came, and must not")
      this.#onTicket(ticket)
    }
  }

  #onData(data: Uint8Array): void {
    if (data.length > 0 && !this.#receiver!.onData(data)) this.#layer.pause()
  }

  #onAlert(fragment: Uint8Array): void {
    const alert = decodeAlert(fragment)
    if (alert === undefined) throw violation("decode_error", "an alert cannot be read")
    if (alert === "user_canceled") return
    if (alert !== "close_notify") return this.#fail(new PeerAlert({ alert }))
    this.#peerEnded = true
    this.#receiver!.onEnd()
    if (this.#ended) this.#transport.destroy()
  }

  onRefused({ alert, reason }: Refusal): void {
    this.#fail(reason, alert)
  }

  #fail(reason: NetworkError.Reason, alert?: Alert): void {
    this.#layer.breakOff(alert)
    this.onError(NetworkError.make("read", Transport.formatPeer(this), reason))
  }

  onEnd(): void {
    if (!this.#peerEnded) this.#fail(new Truncated())
  }

  onFlushed(): void {
    if (this.#endWaits) {
      this.#endWaits = false
      this.#sendFin()
      if (this.#destroyWaits) this.#transport.destroy()
    } else if (this.#writing) {
      this.#writing = false
      this.#receiver!.onFlushed()
    }
  }

  onError(error: NetworkError.NetworkError): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#receiver?.onError(error)
  }

  onClose(): void {
    this.#closed = true
    this.#receiver?.onClose()
  }
}
