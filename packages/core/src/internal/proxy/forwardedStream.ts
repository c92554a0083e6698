import type * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Tls from "../../Tls.ts"
import type * as Transport from "../../Transport.ts"

/** A stream that passes everything on to the stream beneath. */
export class ForwardedStream implements Transport.StreamTransport {
  readonly beneath: Transport.StreamTransport

  constructor(beneath: Transport.StreamTransport) {
    this.beneath = beneath
  }

  get localAddress(): NetAddress.SocketAddress {
    return this.beneath.localAddress
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return this.beneath.remoteAddress
  }

  get tls(): Tls.Session | undefined {
    return this.beneath.tls
  }

  get isSending(): boolean | undefined {
    return this.beneath.isSending
  }

  get unacknowledged(): Effect.Effect<number | undefined> | undefined {
    return this.beneath.unacknowledged
  }

  start(receiver: Transport.StreamReceiver): void {
    this.beneath.start(receiver)
  }

  resume(): void {
    this.beneath.resume()
  }

  keep(chunk: Uint8Array): Uint8Array {
    return this.beneath.keep(chunk)
  }

  dedicate(): boolean {
    return this.beneath.dedicate()
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    return this.beneath.write(chunks)
  }

  end(): void {
    this.beneath.end()
  }

  destroy(): void {
    this.beneath.destroy()
  }

  reset(): void {
    this.beneath.reset()
  }
}
