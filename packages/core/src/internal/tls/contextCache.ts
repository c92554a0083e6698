import * as Effect from "effect/Effect"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import type * as Transport from "../../Transport.ts"
import { throughProxy } from "../proxy/tlsThroughProxy.ts"
import type { Prepare } from "./options.ts"

/** TLS as a platform prepares it, once for each value of the settings. */
export class Security {
  readonly #platform: Pick<Transport.Platform, "secure">
  readonly #contexts = new WeakMap<Tls.Client | Tls.Server, Transport.SecureContext>()

  constructor(platform: Pick<Transport.Platform, "secure">) {
    this.#platform = platform
  }

  /** Prepares a server's settings for connections that are upgraded. */
  readonly prepare: Prepare = (settings) => this.context(settings, "upgraded connections")

  context(
    settings: Tls.Client | Tls.Server,
    address: string
  ): Effect.Effect<Transport.SecureContext, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const known = this.#contexts.get(settings)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.map(this.#platform.secure(settings, address), (prepared) => {
        const context = throughProxy(prepared)
        this.#contexts.set(settings, context)
        return context
      })
    })
  }

  /** Shakes hands over an open stream. */
  handshake(
    settings: Tls.Client | Tls.Server,
    transport: Transport.StreamTransport,
    peer: Transport.HandshakePeer
  ): Effect.Effect<Transport.SecureTransport, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const known = this.#contexts.get(settings)
      return known === undefined
        ? Effect.flatMap(this.context(settings, peer.address), (context) => context.handshake(transport, peer))
        : known.handshake(transport, peer)
    })
  }
}
