import * as Effect from "effect/Effect"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { throughProxy } from "../proxy/tlsThroughProxy.ts"
import type { Prepare } from "./serverSettings.ts"
import type { TlsClient, TlsServer } from "./settings.ts"

/** The contexts that a platform prepares, one per value of the settings. */
export class ContextCache {
  readonly #platform: Pick<Transport.Platform, "secure">
  readonly #contexts = new WeakMap<TlsClient | TlsServer, Transport.SecureContext>()

  constructor(platform: Pick<Transport.Platform, "secure">) {
    this.#platform = platform
  }

  /** Prepares a server's settings for connections that are upgraded. */
  readonly prepare: Prepare = (settings) => this.context(settings, { address: "upgraded connections" })

  // Formatting the address of a peer costs something, so it is read only when the context is made.
  context(
    settings: TlsClient | TlsServer,
    where: Pick<Transport.HandshakePeer, "address">
  ): Effect.Effect<Transport.SecureContext, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const known = this.#contexts.get(settings)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.map(this.#platform.secure(settings, where.address), (prepared) => {
        const context = throughProxy(prepared)
        this.#contexts.set(settings, context)
        return context
      })
    })
  }

  /** Performs a handshake over an open stream. */
  handshake(
    settings: TlsClient | TlsServer,
    transport: Transport.StreamTransport,
    peer: Transport.HandshakePeer
  ): Effect.Effect<Transport.SecureTransport, NetworkError.NetworkError> {
    return this.#contexts.get(settings)?.handshake(transport, peer) ??
      Effect.flatMap(this.context(settings, peer), (context) => context.handshake(transport, peer))
  }
}
