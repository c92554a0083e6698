import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import { TruncatedHeader } from "@sluice/proxy/ProxyProtocolError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { canonical, formatPeer } from "../address/peerAddress.ts"
import type { ProxyTrust } from "./options.ts"
import { ProxiedStream } from "./proxiedStream.ts"
import { ReplayStream } from "./replayStream.ts"

/** Reads the PROXY header from connections of trusted proxies. Other connections are left as they are. */
export const readHeader = (trust: ProxyTrust) => (transport: Transport.StreamTransport) =>
  trust.isTrusted(transport.remoteAddress) ? read(transport, trust) : Effect.succeed(transport)

const read = (transport: Transport.StreamTransport, { limit, timeout }: ProxyTrust) =>
  Effect.callback<Transport.StreamTransport, NetworkError.NetworkError>((resume) => {
    const opening = new Opening(transport, limit, resume)
    opening.stream.begin()
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.millis(timeout),
      orElse: () => refuse(transport, new NetworkError.TimedOut({ deadline: "proxyHeader", after: timeout }))
    }),
    // The specification asks for a reset, so that the proxy notices.
    Effect.onError(() => Effect.sync(() => transport.reset()))
  )

const refuse = (transport: Transport.StreamTransport, reason: NetworkError.Reason) =>
  Effect.fail(NetworkError.make("read", formatPeer(transport), reason))

/** Collects a header from chunks of any size. */
class Opening implements Transport.StreamReceiver {
  readonly stream: ReplayStream
  readonly #transport: Transport.StreamTransport
  readonly #limit: number
  readonly #resume: (outcome: Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>) => void
  // The bytes of an incomplete header. Stays empty in the common case that one chunk has the whole header.
  #gathered: Uint8Array = new Uint8Array(0)
  #length = 0

  constructor(
    transport: Transport.StreamTransport,
    limit: number,
    resume: (outcome: Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>) => void
  ) {
    this.#transport = transport
    this.#limit = limit
    this.#resume = resume
    this.stream = new ReplayStream(transport, this)
  }

  onData(chunk: Uint8Array): boolean {
    const bytes = this.#length === 0 ? chunk : this.#gather(chunk)
    const decoded = ProxyProtocol.decode(bytes, { limit: this.#limit })
    if (Result.isFailure(decoded)) {
      this.#fail(new NetworkError.InvalidProxyHeader({ fault: decoded.failure.reason }))
    } else if (Option.isNone(decoded.success)) {
      if (bytes === chunk) this.#gather(chunk)
      return true
    } else {
      const { header, size } = decoded.success.value
      this.stream.leave(bytes.subarray(size))
      this.stream.letGo()
      this.#resume(Effect.succeed(this.#proxied(header)))
    }
    return false
  }

  #proxied(header: ProxyProtocol.Header): Transport.StreamTransport {
    return new ProxiedStream(this.stream, {
      header,
      localAddress: canonical(this.#transport.localAddress),
      remoteAddress: canonical(this.#transport.remoteAddress)
    })
  }

  /** Appends a chunk and returns everything received. Capacity doubles, so that single bytes cost little. */
  #gather(chunk: Uint8Array): Uint8Array {
    const length = this.#length + chunk.length
    if (length > this.#gathered.length) {
      const larger = new Uint8Array(Math.max(128, 2 * length))
      larger.set(this.#gathered.subarray(0, this.#length))
      this.#gathered = larger
    }
    this.#gathered.set(chunk, this.#length)
    this.#length = length
    return this.#gathered.subarray(0, length)
  }

  onEnd(): void {
    this.#fail(new NetworkError.InvalidProxyHeader({ fault: new TruncatedHeader({ received: this.#length }) }))
  }

  onFlushed(): void {}

  onError(error: NetworkError.NetworkError): void {
    this.#resume(Effect.fail(error))
  }

  onClose(): void {
    this.#fail(new NetworkError.Closed())
  }

  #fail(reason: NetworkError.Reason): void {
    this.#resume(refuse(this.#transport, reason))
  }
}
