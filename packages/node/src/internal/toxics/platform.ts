import type * as Transport from "@sluice/core/Transport"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import type { Shared } from "./line.ts"
import { ToxicStream } from "./stream.ts"

/** A platform whose streams are those of another one, with a bad network in front of them. */
export const makePlatform = (beneath: Transport.Platform, shared: Shared): Transport.Platform => {
  const wrap = (stream: Transport.StreamTransport) => new ToxicStream(stream, shared)
  const wrapAccepted = (receiver: Transport.ListenerReceiver): Transport.ListenerReceiver => ({
    onConnection: (stream) => receiver.onConnection(wrap(stream)),
    onAcceptError: (error) => receiver.onAcceptError(error)
  })
  const { inherit } = beneath
  return {
    resolver: beneath.resolver,
    connect: (address, settings) => Effect.map(beneath.connect(address, settings), wrap),
    listen: (address, settings, receiver) => beneath.listen(address, settings, wrapAccepted(receiver)),
    ...(inherit === undefined ? {} : {
      inherit: (socket, settings, receiver) => inherit(socket, settings, wrapAccepted(receiver))
    }),
    secure: (settings, address) =>
      Effect.map(beneath.secure(settings, address), (context) => secureContext(context, shared)),
    bind: beneath.bind
  }
}

// A platform secures only streams of its own: the toxics act on what is inside of TLS.
const secureContext = (context: Transport.SecureContext, shared: Shared): Transport.SecureContext => ({
  handshake: (transport, peer) => {
    if (!(transport instanceof ToxicStream)) return context.handshake(transport, peer)
    const secured = transport.surrender((beneath, unread) => {
      const early = [peer.unread, unread].filter((each) => each !== undefined)
      return context.handshake(beneath, early.length === 0 ? peer : { ...peer, unread: Bytes.concat(early) })
    })
    return Effect.map(secured, (stream) => new ToxicStream(stream, shared))
  }
})
