import type { Proxy } from "@sluice/proxy/ProxyProtocol"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as NetworkError from "../../NetworkError.ts"
import { HandshakeCut } from "../../TlsReason.ts"
import type * as Transport from "../../Transport.ts"
import { ProxiedStream } from "./proxiedStream.ts"
import { ReplayStream, type TakenOver } from "./replayStream.ts"

/**
 * Adds streams with a PROXY header to a context: the platform gets its own stream, with the bytes after the header as the
 * first ones of the handshake, and the secure stream gets the addresses of the header.
 */
export const throughProxy = (context: Transport.SecureContext): Transport.SecureContext => ({
  handshake: (transport, peer) =>
    transport instanceof ProxiedStream || transport instanceof ReplayStream
      ? Effect.suspend(() => {
        const { beneath, ended, error, proxy, unread } = uncover(transport)
        if (error !== undefined || ended) {
          transport.destroy()
          return Effect.fail(error ?? NetworkError.make("secure", peer.address, new HandshakeCut()))
        }
        const early = peer.unread === undefined ? unread : [peer.unread, ...unread]
        const secured = context.handshake(beneath, early.length === 0 ? peer : { ...peer, unread: Bytes.concat(early) })
        return proxy === undefined
          ? secured
          : Effect.map(secured, (stream) => new ProxiedStream(stream, proxy) as ProxiedStream & typeof stream)
      })
      : context.handshake(transport, peer)
})

const uncover = (transport: Transport.StreamTransport): TakenOver & { readonly proxy: Proxy | undefined } => {
  const proxied = transport instanceof ProxiedStream
  const beneath = proxied ? transport.beneath : transport
  const taken = beneath instanceof ReplayStream
    ? beneath.takeOver()
    : { beneath, unread: [], ended: false, error: undefined }
  return { ...taken, proxy: proxied ? transport.proxy : undefined }
}
