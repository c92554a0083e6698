import * as Effect from "effect/Effect"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { formatPeer } from "../address/peerAddress.ts"
import { ReplayStream } from "./replayStream.ts"

/** Writes a header, if there is one, as the first bytes of a stream that was just opened. */
export const sendHeader = (
  transport: Transport.StreamTransport,
  header: Uint8Array | undefined
): Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError> =>
  header === undefined ? Effect.succeed(transport) : Effect.callback((resume) => {
    // A new socket usually takes a header at once; otherwise wait for it.
    if (transport.write([header])) return resume(Effect.succeed(transport))
    const stream: ReplayStream = new ReplayStream(transport, {
      onData: (chunk) => {
        stream.leave(chunk)
        return false
      },
      onEnd: () => stream.leaveEnd(),
      onFlushed: () => {
        stream.letGo()
        resume(Effect.succeed(stream))
      },
      onError: (error) => resume(Effect.fail(error)),
      onClose: () => resume(Effect.fail(NetworkError.make("connect", formatPeer(transport), new NetworkError.Closed())))
    })
    stream.begin()
  })
