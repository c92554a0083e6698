import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"

const address = NetAddress.inetAddressFromStringUnsafe("127.0.0.1:7")
const peer = NetAddress.inetAddressFromStringUnsafe("127.0.0.1:50000")
const source = { address: "127.0.0.1", port: 50_000 }

/** The other side of a stream: what its peer does is called, and what is written to it is counted. */
export class MemoryStream implements Transport.StreamTransport {
  readonly localAddress = address
  readonly remoteAddress = peer
  receiver: Transport.StreamReceiver | undefined = undefined
  written = 0
  isClosed = false

  start(receiver: Transport.StreamReceiver): void {
    this.receiver = receiver
  }

  resume(): void {}

  keep(chunk: Uint8Array): Uint8Array {
    return new Uint8Array(chunk)
  }

  dedicate(): boolean {
    return true
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    for (const chunk of chunks) this.written += chunk.length
    return true
  }

  end(): void {}

  destroy(): void {
    this.isClosed = true
  }

  // A server resets what is open when it is drained.
  reset(): void {
    this.isClosed = true
    queueMicrotask(() => this.receiver!.onClose())
  }
}

/** A platform without a system: what it would do costs nothing, and what is measured is Sluice and Effect. */
export class MemoryPlatform implements Transport.Platform {
  readonly resolver = AddressResolver.make(Dns.make({ lookup: () => Effect.die("names are not resolved here") }))
  listener: Transport.ListenerReceiver | undefined = undefined
  datagrams: Transport.DatagramReceiver | undefined = undefined
  sent = 0
  #connected: ((stream: MemoryStream) => void) | undefined = undefined

  connect = () =>
    Effect.callback<MemoryStream>((resume) => {
      this.#connected = (stream) => resume(Effect.succeed(stream))
    })

  secure = () => Effect.die("nothing is encrypted here")

  listen = (_: unknown, __: unknown, receiver: Transport.ListenerReceiver) =>
    Effect.sync((): Transport.ListenerTransport => {
      this.listener = receiver
      return { address, close: Effect.void }
    })

  bind = (_: unknown, __: unknown, receiver: Transport.DatagramReceiver) =>
    Effect.sync((): Transport.DatagramTransport => {
      this.datagrams = receiver
      return {
        localAddress: address,
        send: (_, __, done) => {
          this.sent++
          done()
        },
        parse: () => peer,
        format: () => source,
        isLocal: () => false,
        joinMulticast: () => Effect.void,
        leaveMulticast: () => Effect.void,
        close: Effect.void
      }
    })

  /** A connection that a client has opened. */
  open(): MemoryStream {
    const stream = new MemoryStream()
    this.listener!.onConnection(stream)
    return stream
  }

  /** Accepts the connection that a server opens. */
  accept(): MemoryStream {
    const stream = new MemoryStream()
    this.#connected!(stream)
    return stream
  }

  /** A datagram that has arrived. */
  receive(payload: Uint8Array): void {
    this.datagrams!.onDatagram(payload, source)
  }
}
